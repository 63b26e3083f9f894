// Deciding about claims.
#include "domain/claims.hpp"

#include "base/hash.hpp"
#include "domain/names.hpp"

namespace muster::claims {
namespace {

using Decided = Result<Decision<Event>>;

constexpr size_t kSweepAtOnce = 256;

Error invalid() {
  return {"claim.invalid", "invalid claim", {}};
}

Decided open(const State& state, const Open& command) {
  if (state.open.size() >= kMaxOpen)
    return Error{
      "rate.limited", "there are " + std::to_string(kMaxOpen) + " open claims (limit max-open-claims)", {}};
  return Decision<Event>{{Opened{command.claim, command.token_hash, command.expires_at}}};
}

Decided fulfill(const State& state, const Fulfill& command, Time now) {
  names::Check check;
  if (!command.node.empty()) check.id("/node_id", command.node);
  check.object("/info", command.info);
  if (auto status = check.done(); !status) return status.error();

  auto id = command.claim;
  if (id.empty()) {
    const auto* found = state.by_hash.find(command.token_hash);
    if (!found) return invalid();
    id = found->claim;
  }
  const auto* claim = state.open.find(id);
  if (!claim || !equal_in_constant_time(claim->token_hash, command.token_hash) || claim->expires_at <= now)
    return invalid();
  return Decision<Event>{{Fulfilled{id, command.node, command.info}}};
}

Decided sweep(const State& state, Time now) {
  Decision<Event> decision;
  state.open.each_from(std::string{}, [&](const std::string& id, const Claim& claim) {
    if (claim.expires_at <= now) decision.events.emplace_back(Expired{id});
    return decision.events.size() < kSweepAtOnce;
  });
  return decision;
}

State close(State state, const std::string& id) {
  if (const auto* claim = state.open.find(id)) {
    state.by_hash.erase(claim->token_hash);
    state.open.erase(id);
  }
  return state;
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time now) {
  return match(command)([&](const Open& c) { return open(state, c); },
                        [&](const Fulfill& c) { return fulfill(state, c, now); },
                        [&](const Sweep&) { return sweep(state, now); });
}

State evolve(State state, const Opened& event) {
  state.open[event.claim] = {event.token_hash, event.expires_at};
  state.by_hash[event.token_hash] = {event.claim};
  return state;
}

State evolve(State state, const Fulfilled& event) {
  return close(std::move(state), event.claim);
}

State evolve(State state, const Expired& event) {
  return close(std::move(state), event.claim);
}

}  // namespace muster::claims
