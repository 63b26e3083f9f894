// Deciding about the cluster and its log.
#include "domain/cluster.hpp"

#include <algorithm>

namespace muster::cluster {
namespace {

using Decided = Result<Decision<Event>>;

/// What an upgrade comes to.
struct Raised {
  uint64_t feature_level = 0, before = 0;
  bool dry_run = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("feature_level", self.feature_level);
    visit("before", self.before);
    visit("dry_run", self.dry_run);
  }
};

Decided start(const State& state, const Start& command) {
  Decision<Event> decision;
  if (state.identity.cluster.empty()) decision.events.emplace_back(Created{command.cluster, 1});
  if (!command.restored_from.empty())
    decision.events.emplace_back(
      Restored{command.restored_from, command.restored_seq, state.identity.epoch + kEpochJump});
  decision.events.emplace_back(command.member);
  return decision;
}

Decided checkpoint(const State& state, const Checkpoint& command) {
  if (command.made.at <= state.identity.last_checkpoint) return Decision<Event>{};
  return Decision<Event>{{command.made}};
}

Decided compact(const State& state, const Compact& command) {
  const auto& dropped = command.dropped;
  if (dropped.to > state.identity.last_checkpoint)
    return Error{"conflict",
                 "lines up to " + std::to_string(dropped.to) +
                   " may go only under a checkpoint; the last one is at " +
                   std::to_string(state.identity.last_checkpoint),
                 {}};
  if (dropped.lines == 0 || dropped.to <= state.identity.compacted_to)
    return Error{"conflict", "there is nothing to drop before that seq", {}};
  return Decision<Event>{{dropped}};
}

Decided upgrade(const State& state, const Upgrade& command) {
  uint64_t possible = UINT64_MAX;
  std::string lowest;
  state.members.each([&](const std::string& name, const Member& member) {
    if (member.feature_level >= possible) return;
    possible = member.feature_level;
    lowest = name;
  });
  if (lowest.empty()) return Error{"conflict", "no member has started yet", {}};
  const auto level = command.level == 0 ? possible : command.level;
  if (level > possible)
    return Error{"conflict",
                 "member " + lowest + " supports level " + std::to_string(possible) + ": upgrade it first",
                 {}};
  const auto before = state.identity.feature_level;
  const auto result = to_json_text(Raised{std::max(level, before), before, command.dry_run});
  if (level <= before || command.dry_run) return Decision<Event>{{}, result};
  return Decision<Event>{{FeatureRaised{level}}, result};
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time) {
  return match(command)([&](const Start& c) { return start(state, c); },
                        [&](const Stop& c) -> Decided { return Decision<Event>{{MemberStopped{c.member}}}; },
                        [&](const Checkpoint& c) { return checkpoint(state, c); },
                        [&](const Compact& c) { return compact(state, c); },
                        [&](const Upgrade& c) { return upgrade(state, c); });
}

State evolve(State state, const Created& event) {
  state.identity.cluster = event.cluster;
  state.identity.feature_level = event.feature_level;
  return state;
}

State evolve(State state, const MemberStarted& event) {
  state.members[event.member] = {event.feature_level, true};
  return state;
}

State evolve(State state, const MemberStopped& event) {
  state.members[event.member].running = false;
  return state;
}

State evolve(State state, const Restored& event) {
  state.identity.epoch = event.epoch;
  return state;
}

State evolve(State state, const FeatureRaised& event) {
  state.identity.feature_level = event.level;
  return state;
}

State evolve(State state, const Checkpointed& event) {
  state.identity.last_checkpoint = event.at;
  return state;
}

State evolve(State state, const lease::Granted& event) {
  state.identity.epoch = std::max(state.identity.epoch, event.epoch);
  return state;
}

State evolve(State state, const Compacted& event) {
  state.identity.compacted_to = event.to;
  return state;
}

}  // namespace muster::cluster
