// Deciding about facts of services.
#include "domain/services.hpp"

#include "domain/names.hpp"

namespace muster::services {
namespace {

const Fact& fact_of(const Event& event) {
  return match(event)([](const auto& e) -> const Fact& { return e; });
}

void check_fact(names::Check& check, const std::string& at, const Event& event) {
  const auto& fact = fact_of(event);
  if (!std::holds_alternative<Applied>(event)) check.id(at + "/name", fact.name);
  if (fact.local_seq == 0) check.fault(at + "/local_seq", "must be above 0");
  match(event)(
    [&](const Started& e) {
      check.required(at + "/run", e.run);
      check.text(at + "/hash", e.hash);
      check.text(at + "/executor", e.executor);
    },
    [&](const Healthy& e) { check.required(at + "/run", e.run); },
    [&](const Exited& e) { check.required(at + "/run", e.run); },
    [&](const Stopped& e) {
      check.required(at + "/run", e.run);
      check.one_of(at + "/reason", e.reason, {"removed", "changed", "unhealthy"});
    },
    [&](const Failed& e) {
      check.one_of(at + "/reason", e.reason, {"start", "health_timeout", "crash_loop"});
      check.text(at + "/message", e.message);
    },
    [&](const Applied& e) { check.required(at + "/generation", e.generation); });
}

Status check(const Report& report) {
  names::Check check;
  check.id("/node_id", report.node);
  check.required("/source", report.source);
  if (report.source.size() > kMaxSource)
    check.fault("/source", "is longer than " + std::to_string(kMaxSource) + " bytes");
  if (report.facts.size() > kMaxFacts)
    check.fault("/facts", "has more than " + std::to_string(kMaxFacts) + " entries (limit max-facts)");
  if (auto status = check.done(); !status) return status;
  uint64_t last = 0;
  for (size_t i = 0; i < report.facts.size(); i++) {
    const auto at = names::pointer_to("/facts", i);
    check_fact(check, at, report.facts[i]);
    const auto number = fact_of(report.facts[i]).local_seq;
    if (number <= last) check.fault(at + "/local_seq", "must rise from fact to fact");
    last = number;
  }
  return check.done();
}

State heard(State state, const Fact& fact) {
  auto& row = state.nodes[fact.node];
  row.source = fact.source;
  row.last = fact.local_seq;
  return state;
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  const auto& report = std::get<Report>(command);
  if (auto status = check(report); !status) return status.error();
  const auto* known = state.nodes.find(report.node);
  uint64_t taken = known && known->source == report.source ? known->last : 0;
  auto applied = known ? known->applied : std::string{};
  Decision<Event> decision;
  for (auto fact : report.facts) {
    auto& header = match(fact)([](auto& e) -> Fact& { return e; });
    if (header.local_seq <= taken) continue;
    header.node = report.node;
    header.source = report.source;
    taken = header.local_seq;
    if (const auto* done = std::get_if<Applied>(&fact)) {
      if (done->generation == applied) continue;
      applied = done->generation;
    }
    decision.events.push_back(std::move(fact));
  }
  decision.result = "{\"taken_to\":" + std::to_string(taken) + "}";
  return decision;
}

State evolve(State state, const Started& event) {
  return heard(std::move(state), event);
}
State evolve(State state, const Healthy& event) {
  return heard(std::move(state), event);
}
State evolve(State state, const Exited& event) {
  return heard(std::move(state), event);
}
State evolve(State state, const Stopped& event) {
  return heard(std::move(state), event);
}
State evolve(State state, const Failed& event) {
  return heard(std::move(state), event);
}
State evolve(State state, const Applied& event) {
  state.nodes[event.node].applied = event.generation;
  return heard(std::move(state), event);
}
State evolve(State state, const nodes::Forgotten& event) {
  state.nodes.erase(event.node);
  return state;
}

}  // namespace muster::services
