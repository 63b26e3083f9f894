// Deciding about the cluster and its log.
#include "domain/cluster.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "domain/names.hpp"

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
  const auto& member = command.member;
  auto level = state.identity.feature_level;
  if (state.identity.cluster.empty()) {
    level = member.feature_level;
    decision.events.emplace_back(Created{command.cluster, level});
  }
  if (!command.restored_from.empty())
    decision.events.emplace_back(
      Restored{command.restored_from, command.restored_seq, state.identity.epoch + kEpochJump});
  if (command.recovered) {
    auto recovered = *command.recovered;
    recovered.epoch = state.identity.epoch + kEpochJump;
    decision.events.emplace_back(std::move(recovered));
  }
  const auto* known = state.members.find(member.member);
  const bool joined = known && known->id == member.id && command.restored_from.empty();
  if (level >= kMembersLevel && member.id != 0 && !joined)
    decision.events.emplace_back(
      MemberJoined{member.member, member.id, member.address, member.url, member.key, ""});
  decision.events.emplace_back(member);
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
  if (const auto& outbox = state.identity.outbox;
      outbox && outbox->bus == command.outbox && dropped.to > outbox->to)
    return Error{"conflict",
                 "lines after " + std::to_string(outbox->to) + " were not told to " + outbox->bus +
                   " yet: they may go when it has answered, or when no broker is configured any more"};
  if (dropped.lines == 0 || dropped.to <= state.identity.compacted_to)
    return Error{"conflict", "there is nothing to drop before that seq", {}};
  return Decision<Event>{{dropped}};
}

Decided move_outbox(const State& state, const MoveOutbox& command) {
  const auto& known = state.identity.outbox;
  const auto& moved = command.moved;
  const bool same = known ? known->bus == moved.bus && moved.to <= known->to : moved.bus.empty();
  if (same || state.identity.feature_level < kOutboxLevel) return Decision<Event>{};
  return Decision<Event>{{moved}};
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

/// What a node that was let in is told.
struct Admitted {
  std::string member;
  uint64_t id = 0;
  std::string cluster;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
    visit("id", self.id);
    visit("cluster", self.cluster);
  }
};

Error level_too_low() {
  return {
    "conflict",
    "the cluster is at a feature level that knows one member only: raise it with muster :cluster upgrade",
    {}};
}

/// The open token with that hash; empty when there is none.
std::string open_token(const State& state, const std::string& hash, Time now) {
  std::string found;
  state.join_tokens.each([&](const std::string& id, const JoinToken& token) {
    if (now < token.expires && equal_in_constant_time(token.hash, hash)) found = id;
  });
  return found;
}

Decided join(const State& state, const Join& command, Time now) {
  if (state.identity.feature_level < kMembersLevel) return level_too_low();
  auto joined = command.member;
  names::Check check;
  check.id("/member", joined.member);
  check.text("/address", joined.address);
  check.url("/url", joined.url);
  if (joined.id == 0) check.fault("/id", "must not be 0");
  if (!digest_from_hex(joined.key)) check.fault("/key", "must be 64 hex characters");
  if (auto status = check.done(); !status) return status.error();

  const auto* former = state.members.find(joined.member);
  const auto answer = [&](uint64_t id) {
    return to_json_text(Admitted{joined.member, id, state.identity.cluster});
  };
  const bool same = former && former->key == joined.key;
  // Keys are no secrets, their private halves are: nobody is taken for a member by its name and key alone.
  if (same && (command.holds_key || command.proven)) return Decision<Event>{{}, answer(former->id)};
  if (command.holds_key && state.identity.key && state.identity.key->under_way())
    return Error{"join.refused", "the cluster key is being changed: ask again when that is done", {}};
  const auto token = command.holds_key ? "" : open_token(state, command.token_hash, now);
  if (!command.holds_key && token.empty())
    return Error{"join.refused", "the join token is unknown, was used, or has expired", {}};
  if (same) return Decision<Event>{{JoinTokenSpent{token, joined.member}}, answer(former->id)};
  if (former && command.former_heard)
    return Error{"member.duplicate", "a member named " + joined.member + " with another key is running", {}};
  if (!former && state.members.size() >= kMaxMembers)
    return Error{"conflict", "a cluster has at most " + std::to_string(kMaxMembers) + " members", {}};
  Decision<Event> decision{{}, answer(joined.id)};
  if (former) decision.events.emplace_back(MemberLeft{joined.member, former->id, "replaced"});
  joined.by = token;
  if (!token.empty()) decision.events.emplace_back(JoinTokenSpent{token, joined.member});
  decision.events.emplace_back(std::move(joined));
  return decision;
}

Decided leave(const State& state, const Leave& command) {
  const auto* member = state.members.find(command.member);
  if (!member) return Error{"member.unknown", "there is no member " + command.member, {}};
  if (state.members.size() == 1)
    return Error{"conflict", command.member + " is the only member: a cluster is not left empty", {}};
  return Decision<Event>{{MemberLeft{command.member, member->id, command.reason}}};
}

Decided make_token(const State& state, const MakeJoinToken& command, Time now) {
  if (state.identity.feature_level < kMembersLevel) return level_too_low();
  if (command.made.expires <= now)
    return Error{
      "field.invalid", "a join token has to expire later", {{"/expires", "must be in the future"}}};
  Decision<Event> decision;
  state.join_tokens.each([&](const std::string& id, const JoinToken& token) {
    if (token.expires <= now) decision.events.emplace_back(JoinTokenSpent{id, ""});
  });
  if (state.join_tokens.size() - decision.events.size() >= kMaxJoinTokens)
    return Error{"conflict",
                 std::to_string(kMaxJoinTokens) + " join tokens are open: revoke some, or let them expire",
                 {}};
  decision.events.emplace_back(command.made);
  return decision;
}

Decided revoke_token(const State& state, const RevokeJoinToken& command) {
  if (!state.join_tokens.find(command.token))
    return Error{"not.found", "there is no open join token " + command.token, {}};
  return Decision<Event>{{JoinTokenSpent{command.token, ""}}};
}

}  // namespace

Result<Decision<Event>> decide(const State& state, const Command& command, Time now) {
  return match(command)(
    [&](const Start& c) { return start(state, c); },
    [&](const Stop& c) -> Decided { return Decision<Event>{{MemberStopped{c.member}}}; },
    [&](const Checkpoint& c) { return checkpoint(state, c); },
    [&](const Compact& c) { return compact(state, c); }, [&](const Upgrade& c) { return upgrade(state, c); },
    [&](const Join& c) { return join(state, c, now); }, [&](const Leave& c) { return leave(state, c); },
    [&](const MakeJoinToken& c) { return make_token(state, c, now); },
    [&](const RevokeJoinToken& c) { return revoke_token(state, c); },
    [&](const MoveOutbox& c) { return move_outbox(state, c); },
    [&](const auto& c) { return decide_key(state, c); });
}

State evolve(State state, const Created& event) {
  state.identity.cluster = event.cluster;
  state.identity.feature_level = event.feature_level;
  return state;
}

State evolve(State state, const MemberStarted& event) {
  auto& member = state.members[event.member];
  member.feature_level = event.feature_level;
  member.running = true;
  if (event.id != 0) member.id = event.id;
  if (!event.key.empty()) member.key = event.key;
  return state;
}

State evolve(State state, const MemberStopped& event) {
  if (auto* member = state.members.edit(event.member)) member->running = false;
  return state;
}

State evolve(State state, const Restored& event) {
  state.identity.epoch = event.epoch;
  state.members = {};  // Whoever they were, they are members of the other history.
  state.join_tokens = {};
  return state;
}

State evolve(State state, const FeatureRaised& event) {
  state.identity.feature_level = event.level;
  return state;
}

State evolve(State state, const Checkpointed& event) {
  state.identity.last_checkpoint = event.at;
  if (state.identity.feature_level < kKeysLevel) return state;
  SignedCheckpoint last{event.at, event.head, event.digest, {}};
  for (const auto& [member, signature] : event.signatures) last.signers.push_back(member);
  state.identity.checkpoint = std::move(last);
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

State evolve(State state, const OutboxMoved& event) {
  state.identity.outbox = event.bus.empty() ? std::nullopt : std::optional{event};
  return state;
}

State evolve(State state, const MemberJoined& event) {
  auto& member = state.members[event.member];
  // Until it says what it knows, no more than its being here takes is expected of it.
  member = {kMembersLevel, false, event.id, event.key};
  return state;
}

State evolve(State state, const MemberLeft& event) {
  state.members.erase(event.member);
  return state;
}

State evolve(State state, const JoinTokenMade& event) {
  state.join_tokens[event.token] = {event.hash, event.expires};
  return state;
}

State evolve(State state, const JoinTokenSpent& event) {
  state.join_tokens.erase(event.token);
  return state;
}

State evolve(State state, const Recovered& event) {
  state.identity.epoch = event.epoch;
  for (const auto& lost : event.lost) state.members.erase(lost);
  return state;
}

}  // namespace muster::cluster
