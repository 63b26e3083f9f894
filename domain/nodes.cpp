// Deciding about nodes.
#include "domain/nodes.hpp"

#include "domain/names.hpp"

namespace muster::nodes {
namespace {

using Decided = Result<Decision<Event>>;

Status check(const Registered& record) {
  names::Check check;
  check.id("/node_id", record.node);
  check.text("/host", record.host);
  check.text("/ip", record.ip);
  check.text("/class", record.node_class);
  check.text("/version", record.version);
  check.text("/address", record.address);
  check.list("/features", record.features);
  check.map("/versions", record.versions);
  check.map("/labels", record.labels);
  check.object("/caps", record.caps);
  check.object("/meta", record.meta);
  return check.done();
}

Status check(const Changed& report) {
  names::Check check;
  check.id("/node_id", report.node);
  check.text("/role", report.role);
  check.list("/services_running", report.services_running);
  check.map("/versions", report.versions);
  return check.done();
}

Decided register_node(const State& state, const Register& command) {
  if (auto status = check(command.record); !status) return status.error();
  const auto* known = state.nodes.find(command.record.node);
  Decision<Event> decision;
  if (!known || *known->record != command.record)
    decision.events.emplace_back(command.record);
  else if (known->silent)
    decision.events.emplace_back(Returned{command.record.node});
  return decision;
}

Decided heartbeat(const State& state, const Heartbeat& command) {
  if (auto status = check(command.report); !status) return status.error();
  const auto* known = state.nodes.find(command.report.node);
  if (!known)
    return Error{"node.unknown", "node " + command.report.node + " is not registered: register it first", {}};
  Decision<Event> decision;
  if (known->silent) decision.events.emplace_back(Returned{command.report.node});
  if (!known->heard || *known->report != command.report) decision.events.emplace_back(command.report);
  return decision;
}

Decided mark_silent(const State& state, const MarkSilent& command) {
  const auto* known = state.nodes.find(command.node);
  if (!known || known->silent) return Decision<Event>{};
  return Decision<Event>{{Silent{command.node, command.last_seen}}};
}

Decided forget(const State& state, const Forget& command) {
  if (!state.nodes.contains(command.node))
    return Error{"node.unknown", "node " + command.node + " is not registered", {}};
  return Decision<Event>{{Forgotten{command.node}}};
}

Decided merge_meta(const State& state, const MergeMeta& command) {
  Registered record;
  record.node = command.node;
  if (const auto* known = state.nodes.find(command.node)) record = *known->record;
  const auto given = parse_json(command.meta.text.empty() ? "{}" : command.meta.text);
  auto merged = parse_json(record.meta.text.empty() ? "{}" : record.meta.text);
  if (!given || !merged || !given->is_object())
    return Error{"field.invalid", "/meta must be an object", {{"/meta", "must be an object"}}};
  merged->update(*given);
  record.meta.text = merged->empty() ? "" : merged->dump();
  return register_node(state, {record});
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  return match(command)([&](const Register& c) { return register_node(state, c); },
                        [&](const Heartbeat& c) { return heartbeat(state, c); },
                        [&](const MarkSilent& c) { return mark_silent(state, c); },
                        [&](const MergeMeta& c) { return merge_meta(state, c); },
                        [&](const Forget& c) { return forget(state, c); });
}

State evolve(State state, const Registered& event) {
  return evolve(std::move(state), Shared(event));
}

State evolve(State state, const Shared<Registered>& event) {
  state.nodes[event->node] = Node{event, {}, false, false};
  return state;
}

State evolve(State state, const Changed& event) {
  return evolve(std::move(state), Shared(event));
}

State evolve(State state, const Shared<Changed>& event) {
  auto& node = state.nodes[event->node];
  node.report = event;
  node.heard = true;
  return state;
}

State evolve(State state, const Silent& event) {
  state.nodes[event.node].silent = true;
  return state;
}

State evolve(State state, const Returned& event) {
  state.nodes[event.node].silent = false;
  return state;
}

State evolve(State state, const Forgotten& event) {
  state.nodes.erase(event.node);
  return state;
}

}  // namespace muster::nodes
