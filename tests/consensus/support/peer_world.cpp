// Certificates in memory, networks on the loopback, and waiting for what they tell.
#include "tests/consensus/support/peer_world.hpp"

#include <algorithm>
#include <stdexcept>

#include "adapters/pem.hpp"
#include "base/certificate.hpp"

namespace muster::consensus::test {

using namespace std::chrono_literals;

Authority authority(char letter) {
  return *Authority::from_key(std::string(32, letter));
}

NodeKey new_key() {
  const pem::Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  return {pem::of_private(key.get()), pem::of_public(key.get()), pem::key_fingerprint(key.get())};
}

PeerCredentials credentials(const Badge& of, const Authority& ca, const std::string& trust, Time from,
                            Time until) {
  const auto chain = ca.issue(of.peer.node, of.key.public_key, from, until);
  if (!chain) throw std::runtime_error(chain.error().detail);
  return {*chain, of.key.private_key, trust};
}

Badge badge(const std::string& node, const Authority& ca, Time from, Time until) {
  Badge made;
  made.key = new_key();
  made.peer = {node, "127.0.0.1:1", made.key.fingerprint};  // Nobody listens there.
  made.credentials = credentials(made, ca, ca.certificate(), from, until);
  return made;
}

PeerEvents Ears::events() {
  PeerEvents events;
  events.received = [this](const std::string& from, Envelope envelope) {
    if (on_received) on_received(from, envelope);
    const std::lock_guard lock(mutex_);
    heard_.emplace_back(from, std::move(envelope));
  };
  events.stranger = [this](const Stranger& who, Envelope envelope, std::function<void(Envelope)> answer) {
    if (on_stranger) return on_stranger(who, std::move(envelope), std::move(answer));
    answer({Kind::joined, who.node + " said " + envelope.body});
  };
  events.refused = [this](const std::string& reason) {
    const std::lock_guard lock(mutex_);
    refusals_.push_back(reason);
  };
  return events;
}

std::vector<Ears::Heard> Ears::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

std::vector<std::string> Ears::bodies(const std::string& from) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> bodies;
  for (const auto& [node, envelope] : heard_)
    if (node == from) bodies.push_back(envelope.body);
  return bodies;
}

std::vector<std::string> Ears::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

bool Ears::was_refused(const std::string& words) const {
  const auto all = refusals();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& reason) { return reason.find(words) != std::string::npos; });
}

bool Ears::heard_from(const std::string& node, const std::string& body) const {
  const auto all = bodies(node);
  return std::find(all.begin(), all.end(), body) != all.end();
}

PeerLimits brisk() {
  PeerLimits limits;
  limits.backoff_from = 10ms;
  limits.backoff_to = 100ms;
  limits.ping_every = 50ms;
  limits.stale_after = 60s;
  limits.dial_timeout = 20s;
  limits.pings_unanswered = 400;
  limits.silent_pings = 1000;
  limits.write_stall = 30s;
  limits.handshake_timeout = 20s;
  limits.probe_timeout = 20s;
  limits.refusals_per_second = 1000;
  return limits;
}

Node::Node(Badge badge, const std::function<void(PeerOptions&)>& change) : who(std::move(badge)) {
  options.node = who.peer.node;
  options.credentials = who.credentials;
  options.events = ears.events();
  options.limits = brisk();
  options.now = [] { return kNow; };
  if (change) change(options);
  start();
}

void Node::start() {
  network = std::make_unique<PeerNetwork>(options);
  if (const auto started = network->start(); !started) throw std::runtime_error(started.error().detail);
  options.listen = "127.0.0.1:" + std::to_string(network->port());  // Where it is found after a restart, too.
  who.peer.address = network->address();
}

bool Node::reaches(const std::string& node) const {
  const auto states = network->states();
  const auto found = states.find(node);
  return found != states.end() && found->second.connected;
}

}  // namespace muster::consensus::test
