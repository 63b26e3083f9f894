// Changing the cluster key while everything goes on: all trust both, then all show the new one, then nobody
// trusts the old one.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "actors/joining.hpp"
#include "app/cluster/credentials.hpp"

namespace muster::app {

/// The log says how far the change is and who began it; the key goes from member to member over the members'
/// network and is only on their disks. Whoever leads sees to it that every member gets where the log is, and
/// records the next step when all are. A member that missed the change is let in by its own key, and trusts
/// members by theirs.
class KeyRotation {
public:
  /// `self` is what this node says of itself when it asks to be let in; `changed` is called when credentials
  /// are other ones, on the thread for slow readings. Before `peering` is attached.
  KeyRotation(Credentials& credentials, Peering& peering, JoinRequest self, std::function<void()> changed);

  /// `system` outlives this, or the peering is stopped first.
  void attach(System& system) { system_ = &system; }

  /// Begins a change; `force` goes on with one without the members that are not heard. The receipt's result
  /// is a cluster::KeyChange. Error: `conflict`, and the domain's. Any thread, on the leader.
  void begin(bool force, Origin origin, Answer answer);
  /// Several times a second, on a thread that may not block.
  void tick();

private:
  using SteadyClock = std::chrono::steady_clock;
  using Phase = std::string;
  /// What a member is told to do.
  struct Order;
  /// Those who were asked to keep a new key before the log tells of it.
  struct Poll;

  void obey(const Order& order);
  void propose(Origin origin, Answer answer);
  void force(Origin origin, Answer answer);
  void poll(const std::shared_ptr<Poll>& poll, const Order& order);
  void settle(Poll& poll);
  void lead(const cluster::View& cluster);
  void clear_away(const cluster::View& cluster);
  void send(const std::string& node, const Order& order);
  void find_key(const std::string& ca);
  void come_back();
  void ask_back_in(const std::string& address, std::vector<std::string> keys);
  [[nodiscard]] std::vector<std::string> behind(const cluster::View& cluster, bool silent_only) const;
  [[nodiscard]] std::string fault_of(const Order& order) const;

  Credentials& credentials_;
  Peering& peering_;
  const JoinRequest self_;
  const std::function<void()> changed_;
  std::atomic<System*> system_{nullptr};
  std::atomic<bool> beginning_{false}, asking_{false};
  std::atomic<uint64_t> begun_seq_{0};  // Of the record that the last change began with.
  SteadyClock::time_point next_look_{}, next_call_{};
  size_t calls_ = 0;
};

}  // namespace muster::app
