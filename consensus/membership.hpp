// Who should vote: the next change of membership, as a pure function of what its leader sees.
//
// | members | voters | standbys: have the log, but no vote |
// |---|---|---|
// | 1 | 1 | 0 |
// | 2 | 1 | 1 |
// | 3 | 3 | 0 |
// | 4 | 3 | 1 |
// | 5 | 5 | 0 |
// | 6 and more | 5 | 1, 2; all others are spares, without a log |
//
// Members that are silent for longer than the grace period, or are leaving, do not count.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "consensus/replica.hpp"

namespace muster::consensus {

/// A member as the leader sees it.
struct Seen {
  MemberId id = 0;
  std::optional<Role> role;  ///< Nothing: it is to join, and in no configuration yet.
  uint64_t silent_ms = 0;    ///< Since it was heard; 0 for the leader itself.
  uint64_t behind = 0;       ///< Entries that its log lacks.
  bool leaving = false;      ///< It is to be no member any more.
};

struct Membership {
  MemberId leader = 0;   ///< Who asks.
  bool pending = false;  ///< A change is under way: there is one at a time.
  std::vector<Seen> members;
};

struct MembershipPolicy {
  uint64_t grace_ms = 30'000;   ///< Who is silent for longer is replaced.
  uint64_t fresh_ms = 2'000;    ///< Who was heard within it counts as up when a majority is counted.
  uint64_t max_behind = 1'024;  ///< Who lacks more is not promoted.
  size_t max_voters = 5;        ///< 1, 3 or 5.
  size_t max_standbys = 2;
};

struct Change {
  enum class Kind : uint8_t {
    add,       ///< As a spare.
    assign,    ///< `role`.
    remove,    ///< It has no vote.
    transfer,  ///< The leadership, to it.
  };
  Kind kind = Kind::add;
  MemberId id = 0;
  Role role = Role::spare;
  bool operator==(const Change&) const = default;
};

/// At most one step towards the table. After every step a majority of the voters is up, no step takes the
/// leader's vote away, only who has nearly the whole log is promoted, and an even number of voters is left
/// again by the next step.
[[nodiscard]] std::optional<Change> next_change(const Membership& seen, const MembershipPolicy& policy = {});

}  // namespace muster::consensus
