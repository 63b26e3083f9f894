// Folding the cluster and its log.
#include "projections/cluster.hpp"

#include <algorithm>

namespace muster::cluster {
namespace {

void start(View::Member& member, const MemberStarted& e, Time time) {
  member.running = true;
  member.version = e.version;
  member.public_key = e.public_key;
  member.feature_level = e.feature_level;
  member.started_at = time;
  member.stopped_at = {};
  if (e.id != 0) member.id = e.id;
  if (!e.address.empty()) member.address = e.address;
  if (!e.url.empty()) member.url = e.url;
  if (!e.key.empty()) member.key = e.key;
  member.boot = e.boot;
}

View::Member joined(const MemberJoined& e, Time time) {
  View::Member member;
  member.id = e.id;
  member.address = e.address;
  member.url = e.url;
  member.key = e.key;
  member.joined_at = time;
  member.by = e.by;
  return member;
}

void restore(View& view, const Restored& e, Time time) {
  auto restored = *view.identity;
  restored.restored_from = e.backup;
  restored.restored_at = time;
  view.identity = restored;
  view.log.epoch = std::max(view.log.epoch, e.epoch);
  view.members = {};  // They are members of the other history.
  view.join_tokens = {};
}

/// The last checkpoints come last, and it is one of them that is signed.
void sign(View& view, const CheckpointSigned& e) {
  uint64_t told_at = 0;
  view.checkpoints.each([&](uint64_t seq, const auto& row) {
    if (row.made.at == e.at) told_at = seq;
  });
  if (auto* row = view.checkpoints.edit(told_at)) row->made.signatures[e.member] = e.signature;
}

}  // namespace

void View::count(const Record& record) {
  const auto time = record.envelope.time;
  if (log.first_time == Time{}) log.first_time = time;
  log.last_time = std::max(log.last_time, time);
  log.epoch = std::max(log.epoch, record.envelope.epoch);
  about.changed = record.seq;
  const bool fits = types.size() < kMaxTypes || types.contains(record.type);
  auto& row = types[fits ? record.type : "(others)"];
  row = {row.count + 1, record.seq, time};
}

void View::forget(const std::string& member, std::string reason, const Record& record) {
  if (!members.erase(member)) return;
  former[record.seq] = {member, std::move(reason), record.envelope.time};
  keep_last(former, kMaxHistory);
}

void View::branch(uint64_t after, Time time) {
  if (identity->feature_level < kTimelinesLevel) return;
  auto branched = *identity;
  branched.timelines.push_back({after, time});
  if (branched.timelines.size() > kMaxHistory) branched.timelines.erase(branched.timelines.begin());
  identity = branched;
}

std::string View::Identity::name_at(uint64_t seq) const {
  const auto last = std::ranges::find_if(timelines.rbegin(), timelines.rend(),
                                         [&](const Timeline& one) { return one.after < seq; });
  return last == timelines.rend() ? cluster : cluster + "@" + to_rfc3339(last->began_at);
}

template <class Change>
void View::change_key(const Record& record, Change change) {
  auto changed = *identity;
  if (!changed.key) return;
  change(*changed.key);
  changed.key->changed_at = record.envelope.time;
  identity = changed;
}

void View::fold(const Record& record) {
  count(record);
  const auto time = record.envelope.time;
  match(record.event)(
    [&](const Created& e) {
      identity = Identity{
        e.cluster, e.feature_level, time, identity->restored_from, identity->restored_at, {}, {}, {}};
    },
    [&](const MemberStarted& e) { start(members[e.member], e, time); },
    [&](const MemberJoined& e) { members[e.member] = joined(e, time); },
    [&](const MemberLeft& e) { forget(e.member, e.reason, record); },
    [&](const JoinTokenMade& e) {
      join_tokens[e.token] = {time, e.expires, e.hash, record.envelope.actor};
    },
    [&](const JoinTokenSpent& e) { join_tokens.erase(e.token); },
    [&](const Recovered& e) {
      for (const auto& lost : e.lost) forget(lost, "lost", record);
      log.epoch = std::max(log.epoch, e.epoch);
      branch(e.seq, time);
    },
    [&](const MemberStopped& e) {
      auto* member = members.edit(e.member);
      if (!member) return;
      member->running = false;
      member->stopped_at = time;
    },
    [&](const Restored& e) {
      restore(*this, e, time);
      branch(e.seq, time);
    },
    [&](const FeatureRaised& e) {
      auto raised = *identity;
      raised.feature_level = e.level;
      identity = raised;
    },
    [&](const Checkpointed& e) {
      checkpoints[record.seq] = {e, time};
      keep_last(checkpoints, kMaxHistory);
    },
    [&](const CheckpointSigned& e) { sign(*this, e); },
    [&](const OutboxMoved& e) {
      auto moved = *identity;
      moved.outbox = e.bus.empty() ? std::nullopt : std::optional{e};
      identity = moved;
    },
    [&](const KeyStaged& e) {
      auto changed = *identity;
      changed.key =
        Identity::KeyChange{e.rotation, e.from, e.to, "staged", {}, record.envelope.actor, time, time};
      identity = changed;
    },
    [&](const KeyForced& e) {
      change_key(record, [&](auto& key) {
        key.without.insert(key.without.end(), e.without.begin(), e.without.end());
      });
    },
    [&](const KeySwitched&) {
      change_key(record, [](auto& key) { key.phase = "switched"; });
      join_tokens = {};
    },
    [&](const KeyRotated&) { change_key(record, [](auto& key) { key.phase = "rotated"; }); },
    [&](const Compacted& e) {
      log.compacted_to = std::max(log.compacted_to, e.to);
      compactions[record.seq] = {e, time, record.envelope.actor};
      keep_last(compactions, kMaxHistory);
    },
    [](const auto&) {});
}

}  // namespace muster::cluster
