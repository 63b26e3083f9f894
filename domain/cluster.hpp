// The cluster itself: its id, its members' starts and stops, its feature level, checkpoints and compaction.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/cluster_key.hpp"
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
  /// This member goes on without those that are lost (muster :cluster recover); without the epoch.
  std::optional<Recovered> recovered{};
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
  std::string outbox{};  ///< The broker that has to be told all that would go; empty: none.
};
/// POST /v1/cluster/upgrade: raises the feature level; 0 means as far as every member can. The result is
/// {"feature_level":N,"before":N,"dry_run":bool}; a dry run only says what would be.
struct Upgrade {
  uint64_t level = 0;
  bool dry_run = false;
};
/// A node asks to be let in. The result is {"member":"...","id":N,"cluster":"..."}.
struct Join {
  MemberJoined member;
  bool holds_key = false;     ///< Its certificate is of the cluster's CA.
  bool proven = false;        ///< It showed that it holds the private half of its key.
  std::string token_hash;     ///< Otherwise: SHA-256 of the token's secret, hex.
  bool former_heard = false;  ///< A member of that name was heard just now.
};
/// A member is removed: by somebody, or because it was lost for good.
struct Leave {
  std::string member, reason = "removed";
};
struct MakeJoinToken {
  JoinTokenMade made;
};
struct RevokeJoinToken {
  std::string token;
};
/// A broker was told everything up to there; never back.
struct MoveOutbox {
  OutboxMoved moved;
};
using Command = std::variant<Start, Stop, Checkpoint, Compact, Upgrade, Join, Leave, MakeJoinToken,
                             RevokeJoinToken, RotateKey, ForceKey, AdvanceKey, SignCheckpoint, MoveOutbox>;

/// Raft's configuration holds no more.
constexpr size_t kMaxMembers = 64;
constexpr size_t kMaxJoinTokens = 256;
/// The feature level from which on there is more than one member.
constexpr uint64_t kMembersLevel = 2;
/// From which on members hand each other secrets, sign each other's checkpoints and change the cluster key.
constexpr uint64_t kKeysLevel = 3;
/// From which on it is recorded what a broker was told.
constexpr uint64_t kOutboxLevel = 5;

struct Identity {
  std::string cluster;
  uint64_t feature_level = 0;
  uint64_t epoch = 0;         ///< Highest grant seen.
  uint64_t compacted_to = 0;  ///< Last dropped seq.
  uint64_t last_checkpoint = 0;
  // From kKeysLevel on; left out of the text while there are none.
  std::optional<KeyChange> key{};                ///< The last change of the cluster key.
  std::optional<SignedCheckpoint> checkpoint{};  ///< The last one.
  std::optional<OutboxMoved> outbox{};           ///< From kOutboxLevel on, likewise.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("feature_level", self.feature_level);
    visit("epoch", self.epoch);
    visit("compacted_to", self.compacted_to);
    visit("last_checkpoint", self.last_checkpoint);
    visit("key", self.key);
    visit("checkpoint", self.checkpoint);
    visit("outbox", self.outbox);
  }
};

struct Member {
  uint64_t feature_level = 0;
  bool running = false;
  uint64_t id = 0;
  std::string key;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("feature_level", self.feature_level);
    visit("running", self.running);
    visit("id", self.id);
    visit("key", self.key);
  }
};

struct JoinToken {
  std::string hash;
  Time expires{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("hash", self.hash);
    visit("expires", self.expires);
  }
};

struct State {
  Identity identity;
  PagedMap<std::string, Member> members;
  PagedMap<std::string, JoinToken> join_tokens;  ///< Those that were not spent.
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("identity", self.identity);
    visit("members", self.members);
    visit("join_tokens", self.join_tokens);
  }
};

/// How far a restore or a recovery moves the epoch.
constexpr uint64_t kEpochJump = 1000;

/// Errors: `conflict` (compacting past the last checkpoint, what is compacted already, or what a broker was
/// told; a level that some
/// member does not support, more members than there may be), `join.refused`, `member.duplicate`,
/// `member.unknown`, `not.found`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Created& event);
State evolve(State state, const MemberStarted& event);
State evolve(State state, const MemberStopped& event);
State evolve(State state, const Restored& event);
State evolve(State state, const FeatureRaised& event);
State evolve(State state, const Checkpointed& event);
State evolve(State state, const Compacted& event);
State evolve(State state, const MemberJoined& event);
State evolve(State state, const MemberLeft& event);
State evolve(State state, const JoinTokenMade& event);
State evolve(State state, const JoinTokenSpent& event);
State evolve(State state, const Recovered& event);
State evolve(State state, const KeyStaged& event);
State evolve(State state, const KeyForced& event);
State evolve(State state, const KeySwitched& event);
State evolve(State state, const KeyRotated& event);
State evolve(State state, const CheckpointSigned& event);
State evolve(State state, const OutboxMoved& event);
/// Every grant moves the epoch that a restore jumps from.
State evolve(State state, const lease::Granted& event);

}  // namespace muster::cluster
