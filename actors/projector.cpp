// Folding, publishing, and letting domains begin.
#include "actors/projector.hpp"

namespace muster::actors {
namespace {

/// Lets domains begin once this member's start is in the log: by then a restore has moved the epoch.
void begin_when_started(ProjectorState& state, const ProjectorDeps& deps, const Record& record) {
  const auto* started = std::get_if<cluster::MemberStarted>(&record.event);
  if (!started || started->member != deps.node || state.waiting_generation == 0) return;
  auto lead = std::make_shared<Lead>();
  lead->generation = state.waiting_generation;
  lead->world = std::make_shared<const World>(state.world);
  state.waiting_generation = 0;
  for (size_t i = 1; i < deps.domains.size(); i++) deps.domains[i](lead);
  deps.begun();
}

/// A checkpoint when enough happened since the last one: events, so that a fold from it is quick, and bytes,
/// so that all checkpoints together stay smaller than the log.
void checkpoint_when_due(Self<Projector, ProjectorState> self, const ProjectorDeps& deps,
                         const Record& record) {
  auto& state = self->state;
  if (const auto* made = std::get_if<cluster::Checkpointed>(&record.event)) {
    state.last_checkpoint_bytes = made->bytes;
    return;
  }
  if (record.seq < state.last_checkpoint + deps.checkpoint_every ||
      state.bytes_since_checkpoint < state.last_checkpoint_bytes)
    return;
  state.last_checkpoint = record.seq;
  state.bytes_since_checkpoint = 0;
  self->send(deps.checkpointer, std::make_shared<const World>(state.world));
}

void take(Self<Projector, ProjectorState> self, const ProjectorDeps& deps, const CommittedPtr& committed) {
  auto& state = self->state;
  for (size_t i = 0; i < committed->records.size(); i++) {
    const auto& record = committed->records[i];
    if (record.seq <= state.world.set.seq) continue;  // Applied again after a restart.
    fold(state.world, record);
    if (i + 1 == committed->records.size()) state.world.set.head = committed->head.hash;
    state.bytes_since_checkpoint += committed->lines[i]->size();
    begin_when_started(state, deps, record);
    if (i + 1 == committed->records.size()) checkpoint_when_due(self, deps, record);
  }
  deps.published->store(std::make_shared<const ViewSet>(state.world.set));
  deps.on_lines(committed);
}

}  // namespace

Projector::behavior_type projector(Self<Projector, ProjectorState> self, ProjectorDeps deps) {
  self->state.world = deps.start;
  self->state.last_checkpoint = deps.start.set.seq;
  deps.start = {};
  const auto shared = std::make_shared<const ProjectorDeps>(std::move(deps));
  return {
    [self, shared](const CommittedPtr& committed) { take(self, *shared, committed); },
    [self](const std::shared_ptr<const ShowWorld>& show) {
      (*show)(std::make_shared<const World>(self->state.world));
    },
    [self, shared](lead_atom, uint64_t generation) {
      self->state.waiting_generation = generation;
      auto lead = std::make_shared<Lead>();
      lead->generation = generation;
      lead->world = std::make_shared<const World>(self->state.world);
      shared->domains.front()(lead);
    },
    [self, shared](lead_atom, uint64_t domain, const std::shared_ptr<Lead>& lead) {
      lead->world = std::make_shared<const World>(self->state.world);
      shared->domains[domain](lead);
    },
  };
}

}  // namespace muster::actors
