// What nodes report of applying the profile: checked, and each report told once.
#pragma once

#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/bootstrap.hpp"

namespace muster::bootstrap {

/// POST /v1/bootstrap/events. A report whose idempotency key the node used before is acknowledged and is no
/// event; without a key every report is one.
struct Report {
  Reported report;
};
using Command = std::variant<Report>;

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

/// The last kMaxKeys idempotency keys, and the order in which they came.
struct State {
  Next next;
  PagedMap<std::string, Key> keys;  ///< By node, a newline and the key: one node cannot use up another's.
  PagedMap<uint64_t, Used> order;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("next", self.next);
    visit("keys", self.keys);
    visit("order", self.order);
  }
};

/// Keys that are remembered.
constexpr size_t kMaxKeys = 10'000;
/// Bytes of a key.
constexpr size_t kMaxKey = 256;

/// The result for a report that was taken before, and for one that was not.
constexpr std::string_view kRepeated = R"({"repeated":true})", kTaken = R"({"repeated":false})";

/// The result is kRepeated or kTaken. Error: `field.invalid`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Reported& event);

}  // namespace muster::bootstrap
