// Deciding about reports of applying the profile, and about pausing it.
#include "domain/bootstrap.hpp"

#include <algorithm>

#include "domain/names.hpp"

namespace muster::bootstrap {
namespace {

std::string key_of(const Reported& report) {
  return report.node + '\n' + report.idempotency_key;
}

/// Apart from that of the report that ends it.
std::string key_of(const Intended& intended) {
  return intended.node + '\n' + intended.idempotency_key + "\nintent";
}

void one_of(names::Check& check, std::string pointer, const std::string& value,
            const std::vector<std::string_view>& allowed) {
  if (value.empty())
    check.required(std::move(pointer), value);
  else
    check.one_of(std::move(pointer), value, allowed);
}

const std::vector<std::string_view> kComponents{"storage", "broker", "index", "topics"};

void check_key(names::Check& check, const std::string& key) {
  check.text("/idempotency_key", key);
  if (key.size() > kMaxKey)
    check.fault("/idempotency_key", "is longer than " + std::to_string(kMaxKey) + " bytes");
}

void check_things(names::Check& check, const std::string& pointer, const std::vector<Thing>& things) {
  if (things.size() > kMaxThings)
    return check.fault(pointer, "has more than " + std::to_string(kMaxThings) + " entries");
  for (size_t i = 0; i < things.size(); i++) {
    const auto at = names::pointer_to(pointer, i);
    one_of(check, at + "/kind", things[i].kind, {"rule", "tag", "binding"});
    check.text(at + "/of", things[i].of);
    check.required(at + "/name", things[i].name);
    check.object(at + "/as", things[i].as);
  }
}

Status check(const Report& command) {
  const auto& report = command.report;
  names::Check check;
  check.id("/node_id", report.node);
  one_of(check, "/component", report.component, kComponents);
  check.required("/action", report.action);
  one_of(check, "/status", report.status, {"ok", "error", "needs_migration", "skipped"});
  check.text("/message", report.message);
  check.text("/generation", report.generation);
  check_key(check, report.idempotency_key);
  check.text("/backend", command.added.backend);
  if (auto fault = names::line_fault(command.added.endpoint, kMaxEndpoint); !fault.empty())
    check.fault("/endpoint", std::move(fault));
  check_things(check, "/added", command.added.things);
  return check.done();
}

Status check(const Intended& intended) {
  names::Check check;
  check.id("/node_id", intended.node);
  one_of(check, "/component", intended.component, kComponents);
  one_of(check, "/action", intended.action, {"apply", "prune"});
  check.text("/backend", intended.backend);
  check.text("/generation", intended.generation);
  check.required("/idempotency_key", intended.idempotency_key);
  check_key(check, intended.idempotency_key);
  check.list("/resources", intended.resources);
  return check.done();
}

/// All of them when none is named; each once.
Result<std::vector<std::string>> named(const std::vector<std::string>& components) {
  names::Check check;
  std::vector<std::string> all;
  for (size_t i = 0; i < components.size(); i++) {
    one_of(check, names::pointer_to("/components", i), components[i], kComponents);
    if (std::ranges::find(all, components[i]) == all.end()) all.push_back(components[i]);
  }
  if (auto sound = check.done(); !sound) return sound.error();
  if (all.empty()) all.assign(kComponents.begin(), kComponents.end());
  return all;
}

/// The result names those that are paused when all of `events` have happened.
Decision<Event> with_result(State state, std::vector<Event> events) {
  for (const auto& event : events) state = muster::evolve(std::move(state), event);
  Json paused = Json::array();
  state.paused.each([&](const std::string& component, const Stop&) { paused.push_back(component); });
  return {std::move(events), Json{{"paused", std::move(paused)}}.dump()};
}

using Decided = Result<Decision<Event>>;

Decided decide_one(const State& state, const Report& command) {
  if (auto sound = check(command); !sound) return sound.error();
  const auto& report = command.report;
  if (!report.idempotency_key.empty() && state.keys.contains(key_of(report)))
    return Decision<Event>{{}, std::string(kRepeated)};
  Decision<Event> decision{{report}, std::string(kTaken)};
  if (command.added.things.empty()) return decision;
  auto added = command.added;
  added.node = report.node;
  added.component = report.component;
  decision.events.emplace_back(std::move(added));
  return decision;
}

Decided decide_one(const State& state, const Intend& command) {
  if (auto sound = check(command.intended); !sound) return sound.error();
  if (state.keys.contains(key_of(command.intended))) return Decision<Event>{{}, std::string(kRepeated)};
  return Decision<Event>{{command.intended}, std::string(kTaken)};
}

Decided decide_one(const State&, const Remove& command) {
  names::Check check;
  check_things(check, "/things", command.removed.things);
  if (auto sound = check.done(); !sound) return sound.error();
  return Decision<Event>{{command.removed}};
}

Decided decide_one(const State& state, const Pause& command) {
  if (const auto fault = names::line_fault(command.reason, kMaxReason); !fault.empty())
    return Error{"field.invalid", "the reason " + fault, {{"/reason", fault}}};
  const auto components = named(command.components);
  if (!components) return components.error();
  std::vector<Event> events;
  for (const auto& component : *components)
    if (!state.paused.contains(component)) events.emplace_back(Paused{component, command.reason});
  return with_result(state, std::move(events));
}

Decided decide_one(const State& state, const Resume& command) {
  const auto components = named(command.components);
  if (!components) return components.error();
  std::vector<Event> events;
  for (const auto& component : *components)
    if (state.paused.contains(component)) events.emplace_back(Resumed{component});
  return with_result(state, std::move(events));
}

State remember(State state, const std::string& key) {
  if (state.keys.contains(key)) return state;
  const auto order = state.next.order++;
  state.keys[key] = {order};
  state.order[order] = {key};
  if (state.order.size() > kMaxKeys) {
    state.keys.erase(state.order.first()->second.key);
    state.order.erase_first();
  }
  return state;
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  return match(command)([&](const auto& c) { return decide_one(state, c); });
}

State evolve(State state, const Reported& event) {
  return event.idempotency_key.empty() ? state : remember(std::move(state), key_of(event));
}

State evolve(State state, const Intended& event) {
  return remember(std::move(state), key_of(event));
}

State evolve(State state, const Paused& event) {
  state.paused[event.component] = {event.reason};
  return state;
}

State evolve(State state, const Resumed& event) {
  state.paused.erase(event.component);
  return state;
}

}  // namespace muster::bootstrap
