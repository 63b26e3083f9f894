// An accepted connection: who it is, what it may say, and how it is told no.
#include <utility>

#include "consensus/peer_door.hpp"

namespace muster::consensus {

namespace {

constexpr size_t kMaxReplies = 64 << 10;  ///< Pongs that wait for a peer which does not read them.

}  // namespace

Guest::Guest(Core& core, Door& door, uint64_t id, std::string ip, uint16_t port)
  : core_(core), door_(door), id_(id), ip_(std::move(ip)), port_(port), since_(PeerClock::now()) {}

void Guest::start(Socket socket) {
  connection_ =
    std::make_shared<Connection>(std::move(socket), *core_.trust, Connection::Side::server, *this, kMaxJoin);
  connection_->start();
}

void Guest::enter(Phase phase) {
  phase_ = phase;
  since_ = PeerClock::now();
}

void Guest::secured() {
  who_ = connection_->identify(*core_.trust, core_.options.now());
  // A member that was away while the cluster key was changed has only its own key to show: it may ask.
  if (who_.standing == Identity::Standing::foreign && !core_.is_members(who_.key)) return refuse(who_.fault);
  phase_ = Phase::greeting;  // The time goes on: it is from accepting to the first frame.
}

void Guest::came(Frame frame) {
  const auto self = shared_from_this();  // What it says may be the reason that it goes.
  switch (phase_) {
    case Phase::greeting:
      return greeted(std::move(frame));
    case Phase::member:
      return hear(std::move(frame));
    case Phase::claiming:
    case Phase::asking:
      return refuse("it did not wait for an answer");
    case Phase::securing:
    case Phase::leaving:
    case Phase::gone:
      return;
  }
}

void Guest::greeted(Frame frame) {
  if (frame.kind == static_cast<uint8_t>(Kind::join)) return asked(std::move(frame));
  if (frame.kind != static_cast<uint8_t>(Inner::open)) return refuse("it did not say who it is first");
  if (who_.standing == Identity::Standing::foreign) return refuse(who_.fault);
  if (who_.standing == Identity::Standing::none)
    return refuse("it showed no certificate, so it may only ask to join");
  const auto name = printable(who_.node);
  if (who_.node == core_.options.node)
    return refuse(name + " is this node's own id: another process runs with it");
  const auto link = core_.find(who_.node);
  if (!link) return refuse(name + " is no member");
  if (link->peer.key != who_.key) return refuse(name + " is a member with another key");
  link_ = link;
  opened(frame.body);
}

void Guest::opened(const std::string& body) {
  const auto opening = decode_opening(body);
  if (!opening) return refuse("what it said first cannot be read");
  if (opening->version < kProtocol) return refuse("its protocol is too old: upgrade it");
  lane_ = opening->lane;
  enter(Phase::claiming);
  link_->claim(opening->boot, [self = shared_from_this()](bool yes) {
    if (self->phase_ == Phase::claiming) self->admitted(yes);
  });
}

void Guest::admitted(bool yes) {
  if (!yes) return refuse("another process with the id and key of " + printable(who_.node) + " is alive");
  enter(Phase::member);
  connection_->set_max_body(lane_ == Lane::urgent ? kMaxUrgent : kMaxEnvelope);
  connection_->write(frame_of(Inner::welcome, encode(Opening{kProtocol, lane_, core_.boot})));
  link_->seat(lane_, shared_from_this());
}

void Guest::asked(Frame frame) {
  if (!core_.options.events.stranger) return refuse("nobody may join here");
  if (!door_.room_for_stranger()) return refuse("too many ask to join at once: try again in a while");
  enter(Phase::asking);
  core_.counters.strangers++;
  auto respond = [gate = core_.gate, guest = weak_from_this()](const Envelope& answer) {
    gate->post([guest, answer] {
      if (const auto still = guest.lock()) still->answer(answer);
    });
  };
  const bool certified = who_.standing == Identity::Standing::sound;
  core_.options.events.stranger(Stranger{certified ? who_.node : std::string{}, who_.key, where()},
                                Envelope{Kind::join, std::move(frame.body)}, std::move(respond));
}

void Guest::answer(const Envelope& answer) {
  if (phase_ != Phase::asking) return;
  if (answer.body.size() > kMaxEnvelope) return refuse("the answer is larger than a frame may be");
  enter(Phase::leaving);
  std::string bytes;
  append_frame(bytes, static_cast<uint8_t>(answer.kind), answer.body);
  connection_->write(std::move(bytes));
  connection_->finish();
}

void Guest::hear(Frame frame) {
  if (!link_->member) return;
  silent_ = 0;
  link_->heard();
  if (frame.kind >= static_cast<uint8_t>(Kind::raft) && frame.kind <= static_cast<uint8_t>(Kind::hello)) {
    core_.counters.received++;
    const auto& received = core_.options.events.received;
    if (received) received(who_.node, Envelope{static_cast<Kind>(frame.kind), std::move(frame.body)});
    return;
  }
  const auto kind = static_cast<Inner>(frame.kind);
  if (kind == Inner::ping && frame.body.size() <= kMaxOpening) {
    if (connection_->queued() > kMaxReplies) return refuse("it takes no answers");
    connection_->write(frame_of(Inner::pong, frame.body));
  } else if (kind == Inner::pong) {
    if (const auto stamp = decode_stamp(frame.body)) link_->heard_pong(*stamp);
  }  // What a later version says beside that is not for this one.
}

void Guest::probe(uint64_t stamp) {
  if (phase_ == Phase::member) connection_->write(frame_of(Inner::ping, encode_stamp(stamp)));
}

void Guest::check() {
  if (phase_ != Phase::member && phase_ != Phase::claiming) return;
  const auto who = connection_->identify(*core_.trust, core_.options.now());
  if (who.standing != Identity::Standing::sound) refuse(who.fault);
}

void Guest::tick(PeerClock::time_point now) {
  const auto& limits = core_.limits();
  switch (phase_) {
    case Phase::securing:
    case Phase::greeting:
      if (now - since_ > limits.handshake_timeout) refuse("it did not say who it is in time");
      break;
    case Phase::asking:
      if (now - since_ > limits.answer_timeout) refuse("no answer was found in time");
      break;
    case Phase::leaving:
      if (now - since_ > limits.linger) close();
      break;
    case Phase::member:
      if (core_.options.now() >= who_.expires)
        return refuse("the certificate of " + printable(who_.node) + " has expired");
      if (lane_ == Lane::urgent && silent_++ >= limits.silent_pings) close();
      break;
    case Phase::claiming:
    case Phase::gone:
      break;
  }
}

/// Says why, and waits until that is read: who closes at once may take it back.
void Guest::refuse(const std::string& why) {
  if (phase_ == Phase::leaving || phase_ == Phase::gone) return;
  core_.refused(ip_, why);
  if (phase_ == Phase::securing && who_.standing == Identity::Standing::none) return close();
  const bool seated = phase_ == Phase::member;
  enter(Phase::leaving);
  const auto link = std::move(link_);
  link_ = nullptr;
  connection_->write(frame_of(Inner::refusal, why));
  connection_->finish();
  if (seated) link->unseat(*this);
}

void Guest::lost(const std::string& why) {
  if (phase_ == Phase::securing || phase_ == Phase::greeting) core_.refused(ip_, why);
  close();
}

void Guest::close() {
  if (phase_ == Phase::gone) return;
  const auto self = shared_from_this();
  const bool seated = phase_ == Phase::member;
  phase_ = Phase::gone;
  if (connection_) connection_->close();
  if (const auto link = std::move(link_); link && seated) link->unseat(*this);
  door_.forget(id_);
}

bool Guest::may_go() const {
  return phase_ == Phase::securing || phase_ == Phase::greeting || phase_ == Phase::leaving;
}

}  // namespace muster::consensus
