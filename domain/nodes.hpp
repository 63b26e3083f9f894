// Which nodes are registered, what they say they run, and whether they are heard.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/nodes.hpp"
#include "events/shared.hpp"

namespace muster::nodes {

/// POST /v1/nodes/register. Registering again replaces the record; the same record changes nothing.
struct Register {
  Registered record;
};
/// POST /v1/nodes/heartbeat.
struct Heartbeat {
  Changed report;
};
/// A deadline passed: `last_seen` is when the node was last heard, as far as the leader knows.
struct MarkSilent {
  std::string node;
  Time last_seen{};
};
/// The legacy POST /heartbeat: merges `meta` into the record, registering the node when it is unknown.
struct MergeMeta {
  std::string node;
  RawJson meta;
};
/// DELETE /v1/nodes/{id}: takes a node off the list. One that still beats registers again.
struct Forget {
  std::string node;
};
using Command = std::variant<Register, Heartbeat, MarkSilent, MergeMeta, Forget>;

struct Node {
  Shared<Registered> record;
  Shared<Changed> report;  ///< The last heartbeat that said something new.
  bool heard = false;      ///< A heartbeat came since the registration.
  bool silent = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("record", self.record);
    visit("report", self.report);
    visit("heard", self.heard);
    visit("silent", self.silent);
  }
};

struct State {
  PagedMap<std::string, Node> nodes;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("nodes", self.nodes);
  }
};

/// Errors: `field.invalid`, `node.unknown` (a heartbeat of a node that is not registered: it registers
/// again).
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Registered& event);
State evolve(State state, const Changed& event);
State evolve(State state, const Shared<Registered>& event);
State evolve(State state, const Shared<Changed>& event);
State evolve(State state, const Silent& event);
State evolve(State state, const Returned& event);
State evolve(State state, const Forgotten& event);

}  // namespace muster::nodes
