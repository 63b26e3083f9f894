// All that leads to one member and from it, and which of its processes is the right one.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "consensus/peer_lane.hpp"

namespace muster::consensus {

class Guest;

/// Belongs to the network's thread, but for what is atomic and the queues.
class Link : public std::enable_shared_from_this<Link> {
public:
  Link(Core& core, Peer peer);

  const Peer peer;
  std::atomic<bool> member{true};  ///< False from the moment of its removal.

  void begin();
  void drop();  ///< It is no member any more, or the network stops.
  void tick(PeerClock::time_point now);
  void hurry();  ///< It called: what rests dials now.
  void check();
  void redial();

  /// Whether a connection of the process `boot` may be used: yes while no other process with the same id and
  /// key is alive. One that was is probed first: the answer comes later then, and is no when it answers.
  void claim(const std::string& boot, std::function<void(bool)> answer);
  void heard_pong(uint64_t stamp);
  /// A connection of the process that is in use ended.
  void ended();

  /// A guest was admitted, in place of an earlier one of its lane.
  void seat(Lane lane, std::shared_ptr<Guest> guest);
  void unseat(const Guest& guest);

  void heard() { heard_us_ = static_cast<int64_t>(micros(PeerClock::now())); }
  void measured(int64_t rtt_us) { rtt_us_ = rtt_us; }
  void show_connected();
  void show_trouble(const std::string& why);
  /// Both lanes are lost: nobody answers.
  void dead();

  [[nodiscard]] PeerState state() const;
  [[nodiscard]] DialLane& lane(Lane which) { return *lanes_[static_cast<size_t>(which)]; }
  [[nodiscard]] bool calls_from(const std::string& ip) const;

private:
  struct Claim {
    std::string boot;
    std::function<void(bool)> answer;
  };
  [[nodiscard]] bool live() const;
  void use(const std::string& boot);
  void probe();
  void settle(bool first_lives);

  Core& core_;
  std::array<std::unique_ptr<DialLane>, kLanes> lanes_;
  std::array<std::shared_ptr<Guest>, kLanes> guests_;
  std::string boot_;           ///< Of the process in use.
  std::vector<Claim> claims_;  ///< Of others, while it is probed.
  uint64_t probed_us_ = 0;
  boost::asio::basic_waitable_timer<PeerClock, boost::asio::wait_traits<PeerClock>, Executor> timer_;
  std::string host_, called_from_;
  std::atomic<bool> connected_{false};
  std::atomic<int64_t> heard_us_{-1}, rtt_us_{-1};
  mutable std::mutex shown_mutex_;  ///< For what follows.
  std::string trouble_, process_;
};

}  // namespace muster::consensus
