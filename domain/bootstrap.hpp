// What nodes report of applying the profile: checked, and each report told once; and pausing it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/bootstrap.hpp"

namespace muster::bootstrap {

/// POST /v1/bootstrap/events. A report whose idempotency key the node used before is acknowledged and is no
/// event; without a key every report is one.
struct Report {
  Reported report;
  Added added{};  ///< What it added; no event without things. Node and component are the report's.
};
/// The same before anything is written.
struct Intend {
  Intended intended;
};
/// What a prune took away: nothing, when all of what was intended failed.
struct Remove {
  Removed removed;
};
/// Those that are paused already stay as they are. The result is {"paused":[...]}, all that are.
struct Pause {
  std::vector<std::string> components;  ///< Empty: all.
  std::string reason;
};
struct Resume {
  std::vector<std::string> components;  ///< Empty: all.
};
using Command = std::variant<Report, Intend, Remove, Pause, Resume>;

struct Key {
  uint64_t order = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("order", self.order);
  }
};

struct Next {
  uint64_t order = 1;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("order", self.order);
  }
};

struct Used {
  std::string key;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("key", self.key);
  }
};

/// A component that is paused.
struct Stop {
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("reason", self.reason);
  }
};

/// The last kMaxKeys idempotency keys, and the order in which they came.
struct State {
  Next next;
  PagedMap<std::string, Key> keys;  ///< By node, a newline and the key: one node cannot use up another's.
  PagedMap<uint64_t, Used> order;
  PagedMap<std::string, Stop> paused;  ///< By component.
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("next", self.next);
    visit("keys", self.keys);
    visit("order", self.order);
    visit("paused", self.paused);
  }
};

/// Keys that are remembered.
constexpr size_t kMaxKeys = 10'000;
/// Bytes of a key, and of a server's mark.
constexpr size_t kMaxKey = 256, kMaxEndpoint = 64;
/// Things of one report, and resources that an intent spells out.
constexpr size_t kMaxThings = 500, kMaxResources = 250;
/// Bytes of a pause's reason.
constexpr size_t kMaxReason = 500;

/// The result for a report that was taken before, and for one that was not.
constexpr std::string_view kRepeated = R"({"repeated":true})", kTaken = R"({"repeated":false})";

/// The result of a Report or Intend is kRepeated or kTaken. Error: `field.invalid`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Reported& event);
State evolve(State state, const Intended& event);
State evolve(State state, const Paused& event);
State evolve(State state, const Resumed& event);
inline State evolve(State state, const Added&) {
  return state;
}
inline State evolve(State state, const Removed&) {
  return state;
}

}  // namespace muster::bootstrap
