// The steps of a change of the cluster key, each at most once, and who may sign a checkpoint.
#include "domain/cluster_key.hpp"

#include <algorithm>

#include "domain/cluster.hpp"

namespace muster::cluster {
namespace {

using Decided = Result<Decision<Event>>;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Decided decide_key(const State& state, const RotateKey& command) {
  const auto& identity = state.identity;
  if (identity.feature_level < kKeysLevel)
    return Error{"conflict",
                 "the cluster is at a feature level that knows no change of its key: raise it with muster "
                 ":cluster upgrade",
                 {}};
  if (identity.key && identity.key->under_way())
    return Error{"conflict", "the cluster key is being changed already: muster :cluster shows how far", {}};
  const auto& staged = command.staged;
  return Decision<Event>{{staged},
                         to_json_text(KeyChange{staged.rotation, staged.from, staged.to, "staged", {}})};
}

Decided decide_key(const State& state, const ForceKey& command) {
  const auto& key = state.identity.key;
  if (!key || !key->under_way()) return Error{"conflict", "the cluster key is not being changed", {}};
  auto changed = *key;
  KeyForced forced{key->rotation, {}};
  for (const auto& member : command.without)
    if (!contains(key->without, member)) forced.without.push_back(member);
  changed.without.insert(changed.without.end(), forced.without.begin(), forced.without.end());
  if (forced.without.empty()) return Decision<Event>{{}, to_json_text(changed)};
  return Decision<Event>{{forced}, to_json_text(changed)};
}

Decided decide_key(const State& state, const AdvanceKey& command) {
  const auto& key = state.identity.key;
  if (!key || key->rotation != command.rotation) return Decision<Event>{};
  if (key->phase == "staged" && command.to == "switched")
    return Decision<Event>{{KeySwitched{key->rotation}}};
  if (key->phase == "switched" && command.to == "rotated")
    return Decision<Event>{{KeyRotated{key->rotation}}};
  return Decision<Event>{};
}

Decided decide_key(const State& state, const SignCheckpoint& command) {
  const auto& made = command.made;
  const auto& last = state.identity.checkpoint;
  // A later checkpoint says all that an earlier one did: nobody signs that any more.
  if (!last || last->at != made.at || contains(last->signers, made.member)) return Decision<Event>{};
  if (last->head != made.head || last->digest != made.digest)
    return Error{"conflict", "the checkpoint of seq " + std::to_string(made.at) + " has another digest", {}};
  if (!state.members.find(made.member))
    return Error{"member.unknown", "there is no member " + made.member, {}};
  return Decision<Event>{{made}};
}

State evolve(State state, const KeyStaged& event) {
  state.identity.key = KeyChange{event.rotation, event.from, event.to, "staged", {}};
  return state;
}

State evolve(State state, const KeyForced& event) {
  auto& key = state.identity.key;
  if (key) key->without.insert(key->without.end(), event.without.begin(), event.without.end());
  return state;
}

State evolve(State state, const KeySwitched&) {
  if (state.identity.key) state.identity.key->phase = "switched";
  state.join_tokens = {};
  return state;
}

State evolve(State state, const KeyRotated&) {
  if (state.identity.key) state.identity.key->phase = "rotated";
  return state;
}

State evolve(State state, const CheckpointSigned& event) {
  auto& last = state.identity.checkpoint;
  if (last && last->at == event.at) last->signers.push_back(event.member);
  return state;
}

}  // namespace muster::cluster
