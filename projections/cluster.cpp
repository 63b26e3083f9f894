// Folding the cluster and its log.
#include "projections/cluster.hpp"

#include <algorithm>

namespace muster::cluster {

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

void View::fold(const Record& record) {
  count(record);
  const auto time = record.envelope.time;
  match(record.event)(
    [&](const Created& e) {
      identity = Identity{e.cluster, e.feature_level, time, identity->restored_from, identity->restored_at};
    },
    [&](const MemberStarted& e) {
      members[e.member] = {true, e.version, e.public_key, e.feature_level, time, {}};
    },
    [&](const MemberStopped& e) {
      auto* member = members.edit(e.member);
      if (!member) return;
      member->running = false;
      member->stopped_at = time;
    },
    [&](const Restored& e) {
      identity = Identity{identity->cluster, identity->feature_level, identity->created_at, e.backup, time};
      log.epoch = std::max(log.epoch, e.epoch);
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
    [&](const Compacted& e) {
      log.compacted_to = std::max(log.compacted_to, e.to);
      compactions[record.seq] = {e, time, record.envelope.actor};
      keep_last(compactions, kMaxHistory);
    },
    [](const auto&) {});
}

}  // namespace muster::cluster
