// Dialling, being welcomed, sending, and noticing that nobody is there.
#include "consensus/peer_lane.hpp"

#include <algorithm>

#include <boost/asio/connect.hpp>

#include "base/chance.hpp"
#include "consensus/peer_link.hpp"

namespace muster::consensus {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto kLastedLongEnough = std::chrono::seconds{1};    ///< To forget earlier failures.
constexpr Millis kBeforeItExpires = std::chrono::seconds{60};  // Of a short life a quarter of what is left.

PeerQueue::Limits limits_of(const PeerLimits& limits, Lane lane) {
  if (lane == Lane::urgent) return {limits.urgent_bytes, limits.urgent_frames};
  return {limits.bulk_bytes, limits.bulk_frames};
}

}  // namespace

DialLane::DialLane(Core& core, Link& link, Lane which)
  : queue(limits_of(core.limits(), which)),
    core_(core),
    link_(link),
    which_(which),
    timer_(core.io),
    resolver_(core.io) {}

void DialLane::begin() {
  if (phase_ != Phase::resting || core_.stopping) return;
  timer_.cancel();
  phase_ = Phase::connecting;
  since_ = PeerClock::now();
  attempt_++;
  const auto where = split_address(link_.peer.address);
  if (!where) return lose(where.error().detail);
  connect(where->host, where->port);
}

void DialLane::connect(const std::string& host, const std::string& port) {
  const auto go = [this](auto endpoints) {
    socket_ = std::make_shared<Socket>(core_.io);
    asio::async_connect(*socket_, std::move(endpoints),
                        [this, link = link_.shared_from_this(), socket = socket_](error_code ec, auto) {
                          if (socket != socket_) return;
                          if (ec) return lose(ec.message());
                          connected(std::move(*socket));
                        });
  };
  error_code ec;
  if (const auto ip = asio::ip::make_address(host, ec); !ec)
    return go(std::vector<Tcp::endpoint>{{ip, static_cast<uint16_t>(std::stoul(port))}});
  resolver_.async_resolve(
    host, port,
    [this, go, link = link_.shared_from_this(), attempt = attempt_](error_code failed, auto results) {
      if (attempt != attempt_ || phase_ != Phase::connecting) return;
      if (failed) return lose(failed.message());
      std::vector<Tcp::endpoint> endpoints;
      for (const auto& result : results) endpoints.push_back(result.endpoint());
      go(std::move(endpoints));
    });
}

void DialLane::connected(Socket socket) {
  socket_.reset();
  error_code ignored;
  reached_ = socket.remote_endpoint(ignored).address().to_string();
  phase_ = Phase::securing;
  connection_ = std::make_shared<Connection>(std::move(socket), *core_.trust, Connection::Side::client, *this,
                                             kMaxOpening + 256);
  connection_->start();
}

void DialLane::secured() {
  const auto who = connection_->identify(*core_.trust, core_.options.now());
  const auto& peer = link_.peer;
  if (who.standing != Identity::Standing::sound) return refuse(who.fault);
  if (who.node != peer.node) return refuse("there is " + printable(who.node));
  if (who.key != peer.key) return refuse("its certificate has another key than the member's");
  expires_ = who.expires;
  before_it_expires_ = std::min(kBeforeItExpires, (expires_ - core_.options.now()) / 4);
  phase_ = Phase::opening;
  connection_->write(frame_of(Inner::open, encode(Opening{kProtocol, which_, core_.boot})));
}

void DialLane::came(Frame frame) {
  const auto kind = static_cast<Inner>(frame.kind);
  if (kind == Inner::refusal)
    return refuse(link_.peer.node + " at " + link_.peer.address +
                  " refuses this node: " + printable(frame.body));
  if (phase_ == Phase::opening && kind == Inner::welcome) return welcomed(frame.body);
  if (!up()) return;
  link_.heard();
  unanswered_ = 0;
  if (kind == Inner::ping && frame.body.size() <= kMaxOpening) {
    connection_->write(frame_of(Inner::pong, frame.body));
  } else if (const auto stamp = decode_stamp(frame.body); kind == Inner::pong && stamp) {
    const auto now = micros(PeerClock::now());
    if (*stamp <= now && which_ == Lane::urgent) link_.measured(static_cast<int64_t>(now - *stamp));
    link_.heard_pong(*stamp);
  }
}

void DialLane::welcomed(const std::string& body) {
  const auto opening = decode_opening(body);
  if (!opening) return refuse("its welcome cannot be read");
  phase_ = Phase::claiming;
  link_.claim(opening->boot, [this, link = link_.shared_from_this(), attempt = attempt_](bool yes) {
    if (attempt == attempt_ && phase_ == Phase::claiming) admitted(yes);
  });
}

void DialLane::admitted(bool yes) {
  if (!yes) return refuse("another process with its id and key is alive elsewhere");
  phase_ = Phase::up;
  since_ = PeerClock::now();
  unanswered_ = 0;
  link_.heard();
  link_.show_connected();
  core_.counters.dropped += queue.drop_older_than(since_ - core_.limits().stale_after);
  if (which_ == Lane::urgent) connection_->write(frame_of(Inner::ping, encode_stamp(micros(since_))));
  flush();
}

void DialLane::flush() {
  if (phase_ != Phase::up || connection_->busy()) return;
  if (auto bytes = queue.take(); !bytes.empty()) connection_->write(std::move(bytes));
}

void DialLane::drained() {
  queue.sent();
  flush();
}

void DialLane::probe(uint64_t stamp) {
  if (up()) connection_->write(frame_of(Inner::ping, encode_stamp(stamp)));
}

void DialLane::check() {
  if (phase_ != Phase::up) return;
  const auto who = connection_->identify(*core_.trust, core_.options.now());
  if (who.standing != Identity::Standing::sound) refuse(who.fault);
}

void DialLane::redial() {
  if (phase_ == Phase::resting || phase_ == Phase::gone || phase_ == Phase::finishing) return;
  if (phase_ != Phase::up) {
    lose("the credentials changed");
    failures_ = 0;
    return begin();
  }
  phase_ = Phase::finishing;
  since_ = PeerClock::now();
  connection_->finish();
}

void DialLane::refuse(const std::string& why) {
  core_.refused(link_.peer.node + " at " + link_.peer.address, why);
  lose(why);
}

void DialLane::lose(const std::string& why) {
  if (phase_ == Phase::resting || phase_ == Phase::gone) return;
  const bool was_up = up(), again_at_once = phase_ == Phase::finishing;
  if (was_up && PeerClock::now() - since_ >= kLastedLongEnough) failures_ = 0;
  let_go();
  phase_ = Phase::resting;
  queue.sent();
  if (!again_at_once) {  // Else it is as good as there.
    link_.show_connected();
    link_.show_trouble(why);
  }
  if (was_up) link_.ended();
  if (phase_ != Phase::resting) return;  // Something of that began it anew.
  if (again_at_once) return begin();
  rest();
}

void DialLane::rest() {
  const auto& limits = core_.limits();
  const auto delay = std::min(limits.backoff_to, limits.backoff_from * (1 << std::min(failures_, 10U)));
  failures_++;
  timer_.expires_after(jittered(delay));  // Members that lost each other do not come back in step.
  timer_.async_wait([this, link = link_.shared_from_this()](error_code ec) {
    if (!ec) begin();
  });
}

void DialLane::drop() {
  phase_ = Phase::gone;
  let_go();
  timer_.cancel();
}

void DialLane::let_go() {
  attempt_++;
  error_code ignored;
  if (const auto socket = std::exchange(socket_, nullptr)) socket->close(ignored);
  if (const auto connection = std::exchange(connection_, nullptr)) connection->close();
  resolver_.cancel();
}

void DialLane::tick(PeerClock::time_point now) {
  const auto& limits = core_.limits();
  switch (phase_) {
    case Phase::connecting:
    case Phase::securing:
    case Phase::opening:
    case Phase::claiming:
      if (now - since_ > limits.dial_timeout) lose("no answer in time");
      break;
    case Phase::finishing:
      if (now - since_ > limits.linger) lose("it does not close");
      break;
    case Phase::up:
      keep_alive(now);
      break;
    case Phase::resting:
    case Phase::gone:
      break;
  }
  if (phase_ != Phase::up) core_.counters.dropped += queue.drop_older_than(now - limits.stale_after);
}

void DialLane::keep_alive(PeerClock::time_point now) {
  const auto& limits = core_.limits();
  if (connection_->stalled_since(now - limits.write_stall)) return lose("it takes no byte");
  const auto wall = core_.options.now();
  if (wall >= expires_) return refuse("its certificate has expired");
  // It may have another one by now, and shows that to a new connection only.
  if (wall >= expires_ - before_it_expires_ && now - since_ > before_it_expires_) return redial();
  if (which_ != Lane::urgent) return;
  if (unanswered_++ >= limits.pings_unanswered) return link_.dead();
  connection_->write(frame_of(Inner::ping, encode_stamp(micros(now))));
}

}  // namespace muster::consensus
