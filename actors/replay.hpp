// Folding a log from its first line, with the chain verified on the way.
#pragma once

#include <cstdint>

#include "actors/world.hpp"
#include "base/result.hpp"
#include "events/log/disk.hpp"

namespace muster {

struct Replayed {
  World world;
  uint64_t from = 0;    ///< The checkpoint it began with, 0 when there was none to begin with.
  uint64_t events = 0;  ///< Lines folded.
};

/// Folds every line up to `to`: from nothing, or from the oldest checkpoint when the first lines were
/// dropped. Each line's seq and prev are checked against the line before. Reading and hashing, decoding, and
/// folding run beside each other. Errors: `log.corrupt` naming the seq; `log.compacted` when no checkpoint
/// holds what was dropped; `feature.unknown` when a newer build wrote it.
Result<Replayed> replay(const log::Disk& disk, uint64_t to);

}  // namespace muster
