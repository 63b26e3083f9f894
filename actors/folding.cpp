// Folding, publishing, and letting domains begin.
#include "actors/folding.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/pipeline.hpp"
#include "events/log/chain.hpp"

namespace muster::actors {
namespace {

constexpr uint64_t kFew = 4096;  // Lines; more are folded by several threads.
constexpr uint64_t kNewest = UINT64_MAX - 1;
constexpr uint64_t kLeastLine = 256;  // Bytes that a line has, about, at least.

}  // namespace

Folding::Folding(FoldingDeps deps)
  : deps_(std::move(deps)), world_(std::exchange(deps_.start, {})), last_checkpoint_(world_.set.seq) {}

void Folding::take(const CommittedPtr& committed) {
  try {
    if (committed->far || behind_) catch_up(committed->head);
    behind_ = false;
    take_lines(committed);
  } catch (const log::Unreadable& failed) {
    wait_behind(failed);
  }
  show();
  deps_.on_lines(committed);
}

/// A disk that does not give its bytes is read again with the next lines; views stay where they are
/// meanwhile.
void Folding::wait_behind(const log::Unreadable& failed) {
  behind_ = true;
  spdlog::error("views seq={} error={}", world_.set.seq, failed.what());
}

void Folding::take_lines(const CommittedPtr& committed) {
  for (size_t i = 0; i < committed->records.size(); i++) {
    const auto& record = committed->records[i];
    if (record.seq <= world_.set.seq) continue;  // Applied again after a restart.
    fold(world_, record);
    if (i + 1 == committed->records.size()) world_.set.head = committed->head.hash;
    bytes_since_checkpoint_ += committed->lines[i]->size();
    begin_when_started(record);
    if (i + 1 == committed->records.size()) checkpoint_when_due(record);
  }
}

void Folding::show() {
  deps_.published->store(std::make_shared<const ViewSet>(world_.set));
}

/// Many lines are on the disk: as many as a checkpoint that is there stands for need not be folded.
void Folding::catch_up(const log::ChainHead& head) {
  if (head.seq >= world_.set.seq + deps_.checkpoint_every) begin_nearer(head.seq);
  while (world_.set.seq < head.seq) {
    const auto to = std::min(head.seq, world_.set.seq + deps_.checkpoint_every);
    // Lines go as soon as a checkpoint stands for them; a peer's may have taken the place of all of them.
    if (!fold_from_disk(to) && !begin_nearer(head.seq) && !begin_nearer(kNewest))
      throw std::runtime_error("the log cannot be read: lines before seq " + std::to_string(to) +
                               " are missing");
    show();
  }
}

bool Folding::begin_nearer(uint64_t to) {
  auto nearer = load_checkpoint(*deps_.disk, to);
  if (!nearer || nearer->set.seq <= world_.set.seq) return false;
  begin_from(std::move(*nearer));
  return true;
}

/// Folds up to `to`, or as far as there are lines; makes a checkpoint there when one is due. False: lines are
/// missing.
bool Folding::fold_from_disk(uint64_t to) {
  ChainPlace place{world_.set.seq, world_.set.head};
  const auto lines = to - place.seq;
  cluster::Checkpointed made;
  const auto take = [&](const Record& record) {
    fold(world_, record);
    if (const auto* named = std::get_if<cluster::Checkpointed>(&record.event)) made = *named;
  };
  auto status = Status{Done{}};
  if (lines > kFew) {
    status = each_record(*deps_.disk, place, to, take);
  } else {  // Not worth any threads.
    log::ChainReader{*deps_.disk}.each_from(place.seq + 1, [&](uint64_t seq, std::string_view line) {
      Record record;
      if (seq == place.seq + 1) status = read_line(line, record);
      if (!status || seq != place.seq + 1) return false;
      take(record);
      world_.set.head = sha256(line);
      place = {seq, world_.set.head};
      return seq < to;
    });
  }
  world_.set.head = place.head;
  if (!status && status.error().code == "log.unwritable")
    throw log::Unreadable("lines after seq " + std::to_string(place.seq));
  if (!status || place.seq < to) return false;
  bytes_since_checkpoint_ += lines * kLeastLine;
  if (made.bytes != 0) last_checkpoint_bytes_ = made.bytes;
  if (to >= last_checkpoint_ + deps_.checkpoint_every && bytes_since_checkpoint_ >= last_checkpoint_bytes_)
    make_checkpoint();
  return true;
}

void Folding::make_checkpoint() {
  last_checkpoint_ = world_.set.seq;
  bytes_since_checkpoint_ = 0;
  deps_.checkpoint(world());
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

void Folding::restart_from(uint64_t at) {
  try {
    begin_nearer(at);
  } catch (const log::Unreadable& failed) {
    wait_behind(failed);
  }
}

void Folding::begin_from(World world) {
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
  make_checkpoint();
}

}  // namespace muster::actors
