// Deciding about reports of applying the profile.
#include "domain/bootstrap.hpp"

#include "domain/names.hpp"

namespace muster::bootstrap {
namespace {

std::string key_of(const Reported& report) {
  return report.node + '\n' + report.idempotency_key;
}

void one_of(names::Check& check, std::string pointer, const std::string& value,
            const std::vector<std::string_view>& allowed) {
  if (value.empty())
    check.required(std::move(pointer), value);
  else
    check.one_of(std::move(pointer), value, allowed);
}

Status check(const Reported& report) {
  names::Check check;
  check.id("/node_id", report.node);
  one_of(check, "/component", report.component, {"storage", "broker", "index", "topics"});
  check.required("/action", report.action);
  one_of(check, "/status", report.status, {"ok", "error", "needs_migration", "skipped"});
  check.text("/message", report.message);
  check.text("/generation", report.generation);
  check.text("/idempotency_key", report.idempotency_key);
  if (report.idempotency_key.size() > kMaxKey)
    check.fault("/idempotency_key", "is longer than " + std::to_string(kMaxKey) + " bytes");
  return check.done();
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  const auto& report = std::get<Report>(command).report;
  if (auto status = check(report); !status) return status.error();
  if (!report.idempotency_key.empty() && state.keys.contains(key_of(report)))
    return Decision<Event>{{}, std::string(kRepeated)};
  return Decision<Event>{{report}, std::string(kTaken)};
}

State evolve(State state, const Reported& event) {
  if (event.idempotency_key.empty()) return state;
  const auto key = key_of(event);
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

}  // namespace muster::bootstrap
