// Nodes with certificates of a real authority, and their networks, for the tests of the members' network.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "adapters/authority.hpp"
#include "consensus/peer_network.hpp"
#include "tests/support/eventually.hpp"

namespace muster::consensus::test {

/// The authority of a key that is made of one letter.
Authority authority(char letter = 'a');

/// A node's own key, new each time.
NodeKey new_key();

constexpr Time kNow{Millis{1'767'323'045'000}};

/// A node's identity: what the others know, and what it shows.
struct Badge {
  Peer peer;
  PeerCredentials credentials;
  NodeKey key;
};
Badge badge(const std::string& node, const Authority& ca = authority(),
            Time from = kNow - std::chrono::hours{1}, Time until = kNow + std::chrono::hours{24});
/// The same key with another certificate, or another trust.
PeerCredentials credentials(const Badge& of, const Authority& ca, const std::string& trust,
                            Time from = kNow - std::chrono::hours{1},
                            Time until = kNow + std::chrono::hours{24});

/// What a network told; all of it is thread-safe.
class Ears {
public:
  using Heard = std::pair<std::string, Envelope>;
  PeerEvents events();
  [[nodiscard]] std::vector<Heard> heard() const;
  [[nodiscard]] std::vector<std::string> bodies(const std::string& from) const;
  [[nodiscard]] std::vector<std::string> refusals() const;
  [[nodiscard]] bool was_refused(const std::string& words) const;  ///< A refusal says so.
  [[nodiscard]] bool heard_from(const std::string& node, const std::string& body) const;

  /// Called on the network's thread, when set before it starts.
  std::function<void(const std::string&, const Envelope&)> on_received;
  std::function<void(const Stranger&, Envelope, std::function<void(Envelope)>)> on_stranger;

private:
  mutable std::mutex mutex_;
  std::vector<Heard> heard_;
  std::vector<std::string> refusals_;
};

/// A node whose network runs, on a free port of the loopback.
class Node {
public:
  explicit Node(Badge badge, const std::function<void(PeerOptions&)>& change = {});
  void start();
  void stop() { network.reset(); }
  Peer peer() const { return who.peer; }  ///< With the port where it listens.
  PeerNetwork& operator*() { return *network; }
  PeerNetwork* operator->() { return network.get(); }
  [[nodiscard]] bool reaches(const std::string& node) const;

  Badge who;
  PeerOptions options;
  Ears ears;
  std::unique_ptr<PeerNetwork> network;
};

/// Limits that let a test end soon and never decide one: short pauses, long time-outs.
PeerLimits brisk();

}  // namespace muster::consensus::test
