// Deciding who leads.
#include "domain/lease.hpp"

#include "domain/names.hpp"

namespace muster::lease {
namespace {

using Decided = Result<Decision<Event>>;

std::string answer(bool granted, const std::string& url, uint64_t epoch) {
  std::string out = granted ? "{\"granted\":true,\"leader_url\":" : "{\"granted\":false,\"leader_url\":";
  append_json_string(out, url);
  return out + ",\"epoch\":" + std::to_string(epoch) + "}";
}

Decided claim(const State& state, const Claim& command) {
  names::Check check;
  check.id("/node_id", command.node);
  check.url("/url", command.url);
  if (auto status = check.done(); !status) return status.error();

  const auto& lease = state.lease;
  if (lease.node == command.node) {
    Decision<Event> kept{{}, answer(true, command.url, lease.epoch)};
    if (lease.url != command.url) kept.events.emplace_back(Moved{command.node, command.url});
    return kept;
  }
  if (!lease.node.empty() && !command.lapsed)
    return Decision<Event>{{}, answer(false, lease.url, lease.epoch)};
  Decision<Event> granted{{}, answer(true, command.url, lease.epoch + 1)};
  if (!lease.node.empty()) granted.events.emplace_back(Lapsed{lease.node, lease.epoch});
  granted.events.emplace_back(Granted{command.node, command.url, lease.epoch + 1});
  return granted;
}

Decided lapse(const State& state, const Lapse& command) {
  if (state.lease.node.empty() || state.lease.epoch != command.epoch) return Decision<Event>{};
  return Decision<Event>{{Lapsed{state.lease.node, command.epoch}}};
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  return match(command)([&](const Claim& c) { return claim(state, c); },
                        [&](const Lapse& c) { return lapse(state, c); });
}

State evolve(State state, const Granted& event) {
  state.lease = {event.node, event.url, event.epoch};
  return state;
}

State evolve(State state, const Moved& event) {
  state.lease.url = event.url;
  return state;
}

State evolve(State state, const Lapsed&) {
  state.lease.node.clear();
  state.lease.url.clear();
  return state;
}

State evolve(State state, const cluster::Restored& event) {
  state.lease = {"", "", event.epoch};
  return state;
}

State evolve(State state, const cluster::Recovered& event) {
  state.lease = {"", "", event.epoch};
  return state;
}

}  // namespace muster::lease
