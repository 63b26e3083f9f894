// Accepting, and making room: who does not say a word never stands in a member's way.
#include "consensus/peer_door.hpp"

#include <algorithm>

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/v6_only.hpp>

namespace muster::consensus {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kBacklog = 512;

std::string text_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

}  // namespace

Door::Door(Core& core)
  : core_(core),
    acceptor_(core.io),
    handshakes_(core.limits().handshakes_per_second),
    strangers_(core.limits().strangers_per_second) {}

Status Door::bind() {
  const auto where = split_address(core_.options.listen);
  if (!where) return Error{"config.invalid", "the members' address: " + where.error().detail};
  const auto failed = [&](const error_code& ec) {
    return Error{"internal", "cannot listen for members on " + core_.options.listen + ": " + ec.message()};
  };
  error_code ec;
  asio::ip::basic_resolver<Tcp, Executor> resolver(core_.io);
  const auto found = resolver.resolve(where->host, where->port, Tcp::resolver::passive, ec);
  if (ec) return failed(ec);
  const auto endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(Tcp::acceptor::reuse_address(true), ec);
  if (!ec && endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(kBacklog, ec);
  if (ec) return failed(ec);
  port_ = acceptor_.local_endpoint(ec).port();
  return Done{};
}

void Door::begin() {
  accept();
}

void Door::accept() {
  if (accepting_ || core_.stopping) return;
  accepting_ = true;
  acceptor_.async_accept(from_, [this](error_code ec, Socket socket) {
    accepting_ = false;
    if (!ec) admit(std::move(socket));
    // Out of descriptors: the next tick tries again, when some may be free.
    if (!ec || ec == asio::error::connection_aborted) accept();
  });
}

void Door::admit(Socket socket) {
  if (core_.stopping) return;
  core_.counters.accepted++;
  const auto ip = text_of(from_.address());
  if (!known(ip) && !handshakes_.take(PeerClock::now()))
    return core_.refused(ip, "too many call from unknown places");
  make_room();
  const auto id = next_id_++;
  const auto guest = std::make_shared<Guest>(core_, *this, id, ip, from_.port());
  guests_.emplace(id, guest);
  guest->start(std::move(socket));
}

bool Door::known(const std::string& ip) const {
  const auto links = core_.all_links();
  return std::any_of(links.begin(), links.end(), [&](const auto& link) { return link->calls_from(ip); });
}

/// The oldest goes: a member is through in a moment. Who calls from where a member may be goes last.
void Door::make_room() {
  std::vector<std::shared_ptr<Guest>> pending;
  for (const auto& [id, guest] : guests_)
    if (guest->may_go()) pending.push_back(guest);
  if (pending.size() < core_.limits().max_pending) return;
  const auto unknown =
    std::find_if(pending.begin(), pending.end(), [&](const auto& guest) { return !known(guest->ip()); });
  core_.counters.evicted++;
  (unknown == pending.end() ? pending.front() : *unknown)->close();
}

bool Door::room_for_stranger() {
  const auto asking =
    std::count_if(guests_.begin(), guests_.end(), [](const auto& entry) { return entry.second->asking(); });
  return static_cast<size_t>(asking) < core_.limits().max_strangers && strangers_.take(PeerClock::now());
}

void Door::tick(PeerClock::time_point now) {
  const auto guests = guests_;  // Some go.
  for (const auto& [id, guest] : guests) guest->tick(now);
  accept();
}

void Door::check() {
  const auto guests = guests_;
  for (const auto& [id, guest] : guests) guest->check();
}

void Door::close() {
  error_code ignored;
  acceptor_.close(ignored);
  const auto guests = std::exchange(guests_, {});
  for (const auto& [id, guest] : guests) guest->close();
}

}  // namespace muster::consensus
