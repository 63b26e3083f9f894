// The cluster itself: its id, its members' starts and stops, its feature level, checkpoints and compaction.
#pragma once

#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/cluster.hpp"
#include "events/lease.hpp"

namespace muster::cluster {

/// A member's process can write. Founds the cluster when the log is empty, as `cluster`.
struct Start {
  std::string cluster;
  MemberStarted member;
  std::string restored_from;  ///< SHA-256 of the backup this folder was restored from, when it just was.
  uint64_t restored_seq = 0;  ///< The last seq that the backup held.
};
struct Stop {
  std::string member;
};
/// A checkpoint was stored.
struct Checkpoint {
  Checkpointed made;
};
/// POST /v1/log/compact. `dropped` is what would go: from, to, head, lines, bytes, as the log holds it.
struct Compact {
  Compacted dropped;
};
/// POST /v1/cluster/upgrade: raises the feature level; 0 means as far as every member can. The result is
/// {"feature_level":N,"before":N,"dry_run":bool}; a dry run only says what would be.
struct Upgrade {
  uint64_t level = 0;
  bool dry_run = false;
};
using Command = std::variant<Start, Stop, Checkpoint, Compact, Upgrade>;

struct Identity {
  std::string cluster;
  uint64_t feature_level = 0;
  uint64_t epoch = 0;         ///< Highest grant seen.
  uint64_t compacted_to = 0;  ///< Last dropped seq.
  uint64_t last_checkpoint = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("feature_level", self.feature_level);
    visit("epoch", self.epoch);
    visit("compacted_to", self.compacted_to);
    visit("last_checkpoint", self.last_checkpoint);
  }
};

struct Member {
  uint64_t feature_level = 0;
  bool running = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("feature_level", self.feature_level);
    visit("running", self.running);
  }
};

struct State {
  Identity identity;
  PagedMap<std::string, Member> members;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("identity", self.identity);
    visit("members", self.members);
  }
};

/// How far a restore or a recovery moves the epoch.
constexpr uint64_t kEpochJump = 1000;

/// Error: `conflict` (compacting past the last checkpoint or what is compacted already, a level that some
/// member does not support).
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Created& event);
State evolve(State state, const MemberStarted& event);
State evolve(State state, const MemberStopped& event);
State evolve(State state, const Restored& event);
State evolve(State state, const FeatureRaised& event);
State evolve(State state, const Checkpointed& event);
State evolve(State state, const Compacted& event);
/// Every grant moves the epoch that a restore jumps from.
State evolve(State state, const lease::Granted& event);

}  // namespace muster::cluster
