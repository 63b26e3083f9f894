// Facts that nodes report of their services: checked, and each recorded once.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/nodes.hpp"
#include "events/services.hpp"

namespace muster::services {

/// POST /v1/nodes/{id}/services: facts of one node in the order of their numbers. Those whose number its
/// store told before are no event.
struct Report {
  std::string node;
  std::string source;
  std::vector<Event> facts;
};
using Command = std::variant<Report>;

/// How far a node's facts are recorded.
struct Heard {
  std::string source;
  uint64_t last = 0;
  std::string applied;  ///< Generation of the last plan it applied: saying it again is no event.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("source", self.source);
    visit("last", self.last);
    visit("applied", self.applied);
  }
};

struct State {
  PagedMap<std::string, Heard> nodes;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("nodes", self.nodes);
  }
};

/// Facts of one report.
constexpr size_t kMaxFacts = 256;
/// Bytes of a source's id.
constexpr size_t kMaxSource = 64;

/// The result is {"taken_to":N}, the number of the last fact that is recorded now. Error: `field.invalid`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Started& event);
State evolve(State state, const Healthy& event);
State evolve(State state, const Exited& event);
State evolve(State state, const Stopped& event);
State evolve(State state, const Failed& event);
State evolve(State state, const Applied& event);
/// A node that registers again may begin anew.
State evolve(State state, const nodes::Forgotten& event);

}  // namespace muster::services
