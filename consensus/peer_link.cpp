// A member's lanes and guests, and the probe that tells a restarted process from a second one.
#include "consensus/peer_link.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "consensus/peer_door.hpp"

namespace muster::consensus {

using boost::system::error_code;

namespace {

constexpr size_t kMaxClaims = 8;
constexpr int64_t kRecently = 2'000'000;  ///< Microseconds (PeerState::heard).

}  // namespace

Link::Link(Core& core, Peer given) : peer(std::move(given)), core_(core), timer_(core.io) {
  if (const auto where = split_address(peer.address)) host_ = where->host;
  for (size_t i = 0; i < kLanes; i++)
    lanes_[i] = std::make_unique<DialLane>(core, *this, static_cast<Lane>(i));
}

void Link::begin() {
  if (!member) return;  // It was removed before it began.
  for (auto& one : lanes_) one->begin();
}

void Link::drop() {
  timer_.cancel();
  for (auto& one : lanes_) one->drop();
  for (auto& guest : guests_)
    if (const auto leaving = std::move(guest)) leaving->close();
  for (auto& claim : std::exchange(claims_, {})) claim.answer(false);
  show_connected();
}

void Link::tick(PeerClock::time_point now) {
  for (auto& one : lanes_) one->tick(now);
}

void Link::hurry() {
  for (auto& one : lanes_) one->begin();
}

void Link::check() {
  for (auto& one : lanes_) one->check();
}

void Link::redial() {
  for (auto& one : lanes_) one->redial();
}

bool Link::live() const {
  for (const auto& one : lanes_)
    if (one->up()) return true;
  return guests_[0] || guests_[1];
}

void Link::claim(const std::string& boot, std::function<void(bool)> answer) {
  if (!live()) use(boot);
  if (boot == boot_) return answer(true);
  if (claims_.size() >= kMaxClaims) return answer(false);
  claims_.push_back({boot, std::move(answer)});
  if (claims_.size() == 1) probe();
}

void Link::use(const std::string& boot) {
  boot_ = boot;
  const std::lock_guard lock(shown_mutex_);
  process_ = to_hex(std::string_view{boot});
}

void Link::probe() {
  probed_us_ = micros(PeerClock::now());
  for (auto& one : lanes_) one->probe(probed_us_);
  for (auto& guest : guests_)
    if (guest) guest->probe(probed_us_);
  timer_.expires_after(core_.limits().probe_timeout);
  timer_.async_wait([this, link = shared_from_this()](error_code ec) {
    const bool of_this_probe = PeerClock::now() >= timer_.expiry();
    if (!ec && of_this_probe && !claims_.empty()) settle(false);
  });
}

void Link::heard_pong(uint64_t stamp) {
  if (!claims_.empty() && stamp >= probed_us_) settle(true);
}

void Link::ended() {
  if (!claims_.empty() && !live()) settle(false);
}

/// The process in use answered, or it is gone and the first that claimed takes its place.
void Link::settle(bool first_lives) {
  timer_.cancel();
  auto claims = std::exchange(claims_, {});
  if (!first_lives) {
    use(claims.front().boot);
    for (auto& one : lanes_)
      if (one->up()) one->lose("another process took its place");
    for (auto& guest : guests_)
      if (const auto leaving = std::move(guest)) leaving->close();
  }
  for (auto& claim : claims) claim.answer(claim.boot == boot_ && !first_lives);
}

void Link::seat(Lane lane, std::shared_ptr<Guest> guest) {
  called_from_ = guest->ip();
  const auto before = std::exchange(guests_[static_cast<size_t>(lane)], std::move(guest));
  if (before) before->close();
  heard();
  hurry();
}

void Link::unseat(const Guest& guest) {
  for (auto& seated : guests_)
    if (seated.get() == &guest) seated.reset();
  ended();
}

void Link::show_connected() {
  connected_ = lane(Lane::urgent).up();
  if (connected_) show_trouble({});
}

void Link::show_trouble(const std::string& why) {
  const std::lock_guard lock(shown_mutex_);
  trouble_ = why;
}

void Link::dead() {
  for (auto& one : lanes_)
    if (one->up()) one->lose("it does not answer");
}

PeerState Link::state() const {
  PeerState state;
  state.connected = connected_;
  state.rtt_us = rtt_us_;
  {
    const std::lock_guard lock(shown_mutex_);
    if (!state.connected) state.trouble = trouble_;
    state.process = process_;
  }
  if (const int64_t heard = heard_us_; heard >= 0) {
    const auto ago = std::max<int64_t>(0, static_cast<int64_t>(micros(PeerClock::now())) - heard);
    state.heard = ago <= kRecently;
    state.last_heard_ms = ago / 1000;
  }
  return state;
}

bool Link::calls_from(const std::string& ip) const {
  return ip == host_ || ip == called_from_ || ip == lanes_[0]->reached() || ip == lanes_[1]->reached();
}

}  // namespace muster::consensus
