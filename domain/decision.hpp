// What a domain decided: events, and the answer to whoever asked.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace muster {

/// decide(state, command, now) -> Result<Decision<Event>>: pure. No events: nothing changed, the result still
/// holds.
template <class Event>
struct Decision {
  std::vector<Event> events;
  std::string result = "{}";  ///< A JSON object; what the edge builds its reply from.
};

/// evolve(state, event) for a variant of events: calls the overload for the one it holds.
template <class State, class... Events>
State evolve(State state, const std::variant<Events...>& event) {
  return match(event)([&](const auto& e) { return evolve(std::move(state), e); });
}

}  // namespace muster
