// What a node says to its control plane, and when: registration, plan, heartbeats, facts (supervisor
// contract, section 10). Pure: time, chance and answers come from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace muster::node_life {

using Tick = Millis;  ///< Since some start of the clock.

/// What to ask next.
enum class Ask : uint8_t { claim, registration, plan, heartbeat, facts };

constexpr Millis kNoTtlBeat{30'000};  ///< From beat to beat when no TTL was told.
constexpr Millis kFactsPause{5'000};  ///< After facts were not taken.
constexpr Millis kFirstPause{1'000}, kLongestPause{60'000};

struct State {
  bool claims = false;  ///< A claim is to be fulfilled before the first plan is asked for.
  bool registered = false;
  bool facts = false;   ///< Some wait.
  Millis poll{10'000};  ///< From plan to plan.
  Millis ttl{0};        ///< 0: not told.
  Tick next_try{0};     ///< Nothing is asked before; after a refusal, or when nobody answered.
  Tick next_plan{0}, next_beat{0}, next_facts{0};
  uint32_t refusals = 0;  ///< In a row.
  bool reachable = true;  ///< Somebody answered the last time.
};

/// What is due at `now`; nothing: wait until due().
[[nodiscard]] std::optional<Ask> next(const State& state, Tick now);
[[nodiscard]] Tick due(const State& state);

/// The plan may be another one: ask for it now.
void notified(State& state, Tick now);

/// An answer came: its HTTP status, 0 when nobody answered. `chance` is from 0 to 1.
///
/// 401 and 403: register again, then ask again, after a pause that doubles from 1 s to 60 s. 404: register
/// again at once, and after a pause when it comes again. What fails otherwise comes again by itself: a
/// heartbeat at its next tick, a plan at its next poll (sooner, with pauses, when nobody answered), facts
/// after a pause. A claim that is refused is not tried again.
void answered(State& state, Ask ask, int status, Tick now, double chance);

/// Under whom a plan was made.
struct Standing {
  std::string cluster;  ///< Empty: a control plane that does not say.
  uint64_t epoch = 0;
};
/// Whether `told` comes from a leader that another one has followed: of the cluster that was heard before,
/// and an older epoch (supervisor contract, section 8). A control plane that does not say who it is may begin
/// again with any epoch.
[[nodiscard]] bool is_stale(const Standing& told, const Standing& heard);

/// A third of the TTL, up to a tenth sooner by chance, so that nodes do not beat in step.
[[nodiscard]] Millis beat_after(Millis ttl, double chance);

}  // namespace muster::node_life
