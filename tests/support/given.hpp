// What the tests of domains and views are given: records, and short ways to make events.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "events/line.hpp"

namespace muster::given {

/// Where the tests' logs begin: 2026-01-02T03:04:05Z.
constexpr Time kStart{Millis{1'767'323'045'000}};

[[nodiscard]] inline Time after(Millis millis) {
  return kStart + millis;
}

[[nodiscard]] inline Record record(uint64_t seq, Time time, AnyEvent event, std::string actor = "alice") {
  Record made{seq, std::string(64, '0'), {}, {}, {}, std::move(event)};
  made.envelope = {time, 7, "n0", std::move(actor), "r-" + std::to_string(seq), std::nullopt};
  made.type = type_of(made.event);
  made.stream = stream_of(made.event);
  return made;
}

/// Folds events into a view, one a second from kStart, seq 1 up.
template <class View>
[[nodiscard]] View folded(const std::vector<AnyEvent>& events) {
  View view;
  uint64_t seq = 0;
  for (const auto& event : events) {
    view.fold(record(seq + 1, after(std::chrono::seconds(seq)), event));
    seq++;
  }
  return view;
}

/// The domain's state after these events.
template <class State, class Event>
[[nodiscard]] State evolved(const std::vector<Event>& events) {
  State state;
  for (const auto& event : events) state = evolve(std::move(state), event);
  return state;
}

[[nodiscard]] inline nodes::Registered registered(std::string node) {
  nodes::Registered made;
  made.node = std::move(node);
  return made;
}

}  // namespace muster::given
