// Folding, publishing, and letting domains begin.
#include "actors/folding.hpp"

#include <utility>

namespace muster::actors {

Folding::Folding(FoldingDeps deps)
  : deps_(std::move(deps)), world_(std::exchange(deps_.start, {})), last_checkpoint_(world_.set.seq) {}

void Folding::take(const CommittedPtr& committed) {
  for (size_t i = 0; i < committed->records.size(); i++) {
    const auto& record = committed->records[i];
    if (record.seq <= world_.set.seq) continue;  // Applied again after a restart.
    fold(world_, record);
    if (i + 1 == committed->records.size()) world_.set.head = committed->head.hash;
    bytes_since_checkpoint_ += committed->lines[i]->size();
    begin_when_started(record);
    if (i + 1 == committed->records.size()) checkpoint_when_due(record);
  }
  deps_.published->store(std::make_shared<const ViewSet>(world_.set));
  deps_.on_lines(committed);
}

void Folding::lead(uint64_t generation) {
  waiting_generation_ = generation;
  auto lead = std::make_shared<Lead>();
  lead->generation = generation;
  lead->world = world();
  deps_.domains.front()(lead);
}

void Folding::restart(size_t domain, const std::shared_ptr<Lead>& lead) {
  lead->world = world();
  deps_.domains[domain](lead);
}

void Folding::restart_from(World world) {
  if (world.set.seq <= world_.set.seq) return;
  world_ = std::move(world);
  last_checkpoint_ = world_.set.seq;
  bytes_since_checkpoint_ = 0;
  deps_.published->store(std::make_shared<const ViewSet>(world_.set));
}

void Folding::unlead() {
  waiting_generation_ = 0;
  for (const auto& domain : deps_.domains) domain(nullptr);
  deps_.ended();
}

/// Lets domains begin once this member's start is in the log: by then a restore has moved the epoch.
void Folding::begin_when_started(const Record& record) {
  const auto* started = std::get_if<cluster::MemberStarted>(&record.event);
  if (!started || started->member != deps_.node || waiting_generation_ == 0) return;
  auto lead = std::make_shared<Lead>();
  lead->generation = waiting_generation_;
  lead->world = world();
  waiting_generation_ = 0;
  for (size_t i = 1; i < deps_.domains.size(); i++) deps_.domains[i](lead);
  deps_.begun();
}

/// A checkpoint when enough happened since the last one: events, so that a fold from it is quick, and bytes,
/// so that all checkpoints together stay smaller than the log.
void Folding::checkpoint_when_due(const Record& record) {
  if (const auto* made = std::get_if<cluster::Checkpointed>(&record.event)) {
    last_checkpoint_bytes_ = made->bytes;
    return;
  }
  if (record.seq < last_checkpoint_ + deps_.checkpoint_every ||
      bytes_since_checkpoint_ < last_checkpoint_bytes_)
    return;
  last_checkpoint_ = record.seq;
  bytes_since_checkpoint_ = 0;
  deps_.checkpoint(world());
}

}  // namespace muster::actors
