// Members on a quiet network that a test cuts, crashes and starts by hand.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>

#include "toy.hpp"

namespace muster::consensus {

struct ClusterOptions {
  uint64_t seed = 3;
  Rules rules{};
  Timing timing{.snapshot_every = 40, .trailing = 10};
};

class Cluster {
public:
  struct Node;

  /// That many voters, of whom one leads.
  explicit Cluster(MemberId voters, ClusterOptions options = {});
  ~Cluster();

  /// A new machine; with `first` its disk holds that configuration.
  void start(MemberId id, const Members& first);
  /// Power fails; what was not synced may be gone.
  void crash(MemberId id);
  void restart(MemberId id);

  /// The one that leads and is not cut off.
  Node* leader();
  /// The role that the leader sees.
  std::optional<Role> role_of(MemberId id);
  void commit(int count);
  void run_for(uint64_t ms);
  [[nodiscard]] bool same_everywhere() const;
  /// Whether by Raft's own rules somebody who is up can win an election: has a vote by its own configuration,
  /// and a majority of that configuration is up and has no later log.
  [[nodiscard]] bool electable() const;

  template <class Reached>
  [[nodiscard]] bool reached_within(uint64_t ms, Reached reached) {
    for (const auto end = clock.now() + ms; !reached();) {
      if (clock.now() >= end) return false;
      clock.step(clock.now() + 1);
    }
    return true;
  }
  template <class Reached>
  void await(Reached reached) {
    if (!reached_within(kPatience, reached)) never_came();
  }

  Clock clock;
  std::mt19937_64 chance;
  std::set<MemberId> cut_off;
  std::set<MemberId> held_back;  ///< May not lead.
  /// Sees every frame that is sent; false loses it.
  std::function<bool(MemberId from, MemberId to, const std::string& frame)> on_send;
  int proposed = 0;
  std::map<MemberId, std::unique_ptr<Node>> nodes;

private:
  static constexpr uint64_t kPatience = 20'000;
  [[noreturn]] static void never_came();
  const ClusterOptions options_;
};

struct Cluster::Node : Outside, Watcher {
  Node(Cluster& cluster_, MemberId id_) : cluster(cluster_), id(id_) {}

  uint64_t now_ms() override { return cluster.clock.now(); }
  int random(int from, int below) override { return from + int(cluster.chance() % uint64_t(below - from)); }
  unsigned disk_ms() override { return slow_disk_ms; }
  bool may_lead() override { return !cluster.held_back.contains(id); }
  void later(unsigned ms, std::function<void()> task) override;
  void send(MemberId to, std::string frame) override;
  void leading(uint64_t) override {}
  void following(uint64_t, MemberId) override { lost++; }
  void broken(const Error& why) override;
  void boot_up();
  void beat();
  /// Term and index of the last entry on disk.
  [[nodiscard]] std::pair<uint64_t, uint64_t> log_end() const;

  Cluster& cluster;
  const MemberId id;
  log::MemoryDisk disk;
  ToyChain chain{disk};
  std::unique_ptr<Replica> replica;  ///< Nothing while its power is off.
  uint64_t boot = 0;
  unsigned slow_disk_ms = 0;
  int lost = 0;
};

}  // namespace muster::consensus
