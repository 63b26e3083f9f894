// Peers within one process: the network without a network, for tests and simulations.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "consensus/peers.hpp"

namespace muster::consensus {

class PeerLoopback;

/// Carries frames between the PeerLoopbacks that were made with it, when it is told to. Thread-safe; outlives
/// them. Identities are believed: there are no certificates.
class PeerHub {
public:
  PeerHub();
  ~PeerHub();
  PeerHub(const PeerHub&) = delete;
  PeerHub& operator=(const PeerHub&) = delete;

  /// Delivers what waits and what comes of it, in the order in which it was sent, on the caller's thread; at
  /// most `limit` frames. Returns how many.
  size_t run(size_t limit = 10'000);
  [[nodiscard]] size_t waiting() const;

  /// Frames between the two are lost from now on, or get through again.
  void cut(const std::string& a, const std::string& b);
  void heal(const std::string& a, const std::string& b);

  /// As peer_join.hpp: asks the one who listens at `address`. `answer` is called by run(). Errors:
  /// `unreachable` when nobody is there; `forbidden` when it lets nobody in.
  void call_to_join(const std::string& address, const Stranger& who, Envelope request,
                    std::function<void(Result<Envelope>)> answer);

private:
  friend class PeerLoopback;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// Delivers to members only that have it as a member with the same key, and only what such a member sent.
class PeerLoopback final : public Peers {
public:
  PeerLoopback(PeerHub& hub, Peer self, PeerEvents events);
  ~PeerLoopback() override;  ///< No event comes after it, when run() is not under way on another thread.
  PeerLoopback(const PeerLoopback&) = delete;
  PeerLoopback& operator=(const PeerLoopback&) = delete;

  void set_members(std::vector<Peer> members) override;
  void send(const std::string& node, Envelope envelope) override;
  [[nodiscard]] std::map<std::string, PeerState> states() const override;

private:
  friend class PeerHub;
  struct Seat;
  std::shared_ptr<PeerHub::Shared> shared_;
  std::shared_ptr<Seat> seat_;
};

}  // namespace muster::consensus
