// Replaying: where it begins, and the fold.
#include "actors/replay.hpp"

#include "actors/pipeline.hpp"
#include "events/log/chain.hpp"

namespace muster {
namespace {

/// Where to begin: nothing, or the oldest checkpoint when the first lines are gone.
Result<World> beginning(const log::Disk& disk) {
  const auto oldest = log::ChainReader{disk}.oldest();
  if (oldest <= 1) return World{};
  for (const auto at : checkpoint_seqs(disk)) {
    if (at + 1 < oldest) continue;
    auto world = load_checkpoint(disk, at);
    if (world && world->set.seq == at) return std::move(*world);
  }
  return Error{"log.compacted",
               "the lines before seq " + std::to_string(oldest) + " are gone, and no checkpoint holds them",
               {}};
}

}  // namespace

Result<Replayed> replay(const log::Disk& disk, uint64_t to) {
  auto start = beginning(disk);
  if (!start) return start.error();
  Replayed done;
  done.world = std::move(*start);
  done.from = done.world.set.seq;
  if (to < done.from)
    return Error{"log.compacted", "the oldest seq that can be replayed is " + std::to_string(done.from), {}};
  ChainPlace place{done.from, done.world.set.head};
  const auto status = each_record(disk, place, to, [&](const Record& record) { fold(done.world, record); });
  if (!status) return status.error();
  if (auto known = check_feature_level(done.world, kFeatureLevel); !known) return known.error();
  done.events = place.seq - done.from;
  done.world.set.head = place.head;
  return done;
}

}  // namespace muster
