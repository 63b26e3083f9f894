// The rules of a node's conversation.
#include "domain/node_life.hpp"

#include <algorithm>

namespace muster::node_life {
namespace {

/// Doubles from kFirstPause to kLongestPause; half of it is left to chance.
Millis pause(uint32_t refusals, double chance) {
  auto longest = kFirstPause;
  for (uint32_t i = 1; i < refusals && longest < kLongestPause; i++) longest *= 2;
  longest = std::min(longest, kLongestPause);
  return Millis{static_cast<int64_t>(static_cast<double>(longest.count()) * (0.5 + chance / 2))};
}

void wait(State& state, Tick now, double chance) {
  state.refusals++;
  state.next_try = now + pause(state.refusals, chance);
}

void good(State& state, Ask ask, Tick now, double chance) {
  switch (ask) {
    case Ask::claim:
      state.claims = false;
      break;
    case Ask::registration:
      state.registered = true;
      state.next_plan = now;
      break;
    case Ask::plan:
      state.refusals = 0;
      state.next_plan = now + state.poll;
      break;
    case Ask::heartbeat:
      state.next_beat = now + beat_after(state.ttl, chance);
      break;
    case Ask::facts:
      break;
  }
}

}  // namespace

bool is_stale(const Standing& told, const Standing& heard) {
  return !told.cluster.empty() && told.cluster == heard.cluster && told.epoch < heard.epoch;
}

Millis beat_after(Millis ttl, double chance) {
  const auto third = ttl.count() > 0 ? ttl / 3 : kNoTtlBeat;
  return Millis{static_cast<int64_t>(static_cast<double>(third.count()) * (1 - chance / 10))};
}

std::optional<Ask> next(const State& state, Tick now) {
  if (now < state.next_try) return std::nullopt;
  if (state.claims) return Ask::claim;
  if (!state.registered) return Ask::registration;
  if (now >= state.next_plan) return Ask::plan;
  if (now >= state.next_beat) return Ask::heartbeat;
  if (state.facts && now >= state.next_facts) return Ask::facts;
  return std::nullopt;
}

Tick due(const State& state) {
  if (state.claims || !state.registered) return state.next_try;
  auto soonest = std::min(state.next_plan, state.next_beat);
  if (state.facts) soonest = std::min(soonest, state.next_facts);
  return std::max(state.next_try, soonest);
}

void notified(State& state, Tick now) {
  state.next_plan = now;
}

void answered(State& state, Ask ask, int status, Tick now, double chance) {
  state.reachable = status != 0;
  if (status >= 200 && status < 300) return good(state, ask, now, chance);
  if (ask ==
      Ask::facts) {  // Another control plane may not take any: what it says of them is not of the node.
    state.next_facts = now + kFactsPause;
    return;
  }
  if (ask == Ask::claim && status != 0) {
    state.claims = false;
    return;
  }
  if (status == 401 || status == 403) {
    state.registered = false;
    return wait(state, now, chance);
  }
  if (status == 404 && ask != Ask::registration) {
    state.registered = false;
    if (state.refusals++ > 0) state.next_try = now + pause(state.refusals - 1, chance);
    return;
  }
  switch (ask) {
    case Ask::heartbeat:
      state.next_beat = now + beat_after(state.ttl, chance);
      break;
    case Ask::facts:
      break;
    case Ask::plan:
      state.next_plan =
        now + (status == 0 ? std::min(state.poll, pause(++state.refusals, chance)) : state.poll);
      break;
    case Ask::claim:
    case Ask::registration:
      wait(state, now, chance);
      break;
  }
}

}  // namespace muster::node_life
