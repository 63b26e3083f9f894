// Everything the log means at one seq: every domain's state and every view.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/domains.hpp"
#include "base/result.hpp"
#include "events/line.hpp"
#include "events/log/disk.hpp"
#include "projections/catalog.hpp"

namespace muster {

/// A value: a copy shares its pages and costs a few pointers.
struct World {
  ViewSet set;  ///< The views, with the seq, head, time and epoch they are as of.
  States states;
};

/// Folds the next record.
void fold(World& world, const Record& record);

/// One fold's digest: equal on every node that folded the same lines with the same fold version.
struct FoldDigest {
  std::string name;  ///< "view nodes" or "state nodes".
  int version = 1;
  std::string digest;  ///< SHA-256, hex.
};
[[nodiscard]] std::vector<FoldDigest> fold_digests(const World& world);

// Checkpoints: a world as text, in the store under its seq.

struct StoredCheckpoint {
  uint64_t at = 0;
  std::string digest;  ///< SHA-256 of the text, hex.
  uint64_t bytes = 0;
};

[[nodiscard]] std::string to_text(const World& world);
/// Error: `log.corrupt`, also when a fold version is not this build's.
Result<World> world_from_text(std::string_view text);

Result<StoredCheckpoint> store_checkpoint(log::Disk& disk, const World& world);
/// The newest readable checkpoint at or before `seq`; nothing: fold from the first line.
[[nodiscard]] std::optional<World> load_checkpoint(const log::Disk& disk, uint64_t seq);
[[nodiscard]] std::vector<uint64_t> checkpoint_seqs(const log::Disk& disk);
/// The digest of the checkpoint at `seq`, from its bytes. Error: `log.corrupt` when it is not the one stored
/// beside them.
Result<std::string> check_checkpoint(const log::Disk& disk, uint64_t seq);

/// The world as of `seq`: the nearest checkpoint plus the lines after it. Error: `log.compacted`,
/// `log.corrupt`.
Result<World> world_at(const log::Disk& disk, uint64_t seq);

}  // namespace muster
