// Everything the log means at one seq: every domain's state and every view.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
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

/// Calls visit(name, state) for each domain's state.
template <class AnyStates, class Visit>
void each_state(AnyStates& states, Visit&& visit) {
  [&]<size_t... I>(std::index_sequence<I...>) {
    (visit(kStateNames[I], std::get<I>(states)), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<States>>{});
}

/// Folds the next record into one domain's state; events that are not that domain's change nothing.
template <class State>
void fold_state(State& state, const Record& record) {
  match(record.event)([&]<class E>(const E& e) {
    if constexpr (requires(Shared<E> shared) { evolve(std::move(state), shared); })
      state = evolve(std::move(state), record.shared(e));
    else if constexpr (requires { evolve(std::move(state), e); })
      state = evolve(std::move(state), e);
  });
}

/// Folds the next record.
void fold(World& world, const Record& record);

/// Whether a build that knows event types up to `known` may fold and continue this log. Error:
/// `feature.unknown`.
Status check_feature_level(const World& world, uint64_t known);

/// One fold's digest: equal on every node that folded the same lines with the same fold version.
struct FoldDigest {
  std::string name;  ///< "view nodes" or "state nodes".
  int version = 1;
  std::string digest;  ///< SHA-256, hex.
};
[[nodiscard]] std::vector<FoldDigest> fold_digests(const World& world);

// Checkpoints: a world as two texts, packed, in the store under its seq.

struct StoredCheckpoint {
  uint64_t at = 0;
  std::string digest;  ///< SHA-256 of the two SHA-256s (hex) of the states' and the views' text, hex.
  uint64_t bytes = 0;  ///< As stored: packed.
};

/// As in StoredCheckpoint, of a world that need not be stored.
[[nodiscard]] std::string checkpoint_digest(const World& world);
Result<StoredCheckpoint> store_checkpoint(log::Disk& disk, const World& world);
/// The newest readable checkpoint at or before `seq`; nothing: fold from the first line.
[[nodiscard]] std::optional<World> load_checkpoint(const log::Disk& disk, uint64_t seq);
/// The world as of the head that `disk` names; when it stopped while it took a checkpoint from a peer, as of
/// that one, which is later. Errors: `log.corrupt`; `log.unwritable` when the disk cannot be read.
Result<World> world_to_start_from(const log::Disk& disk);
/// Drops lines up to `to`, as far as a checkpoint that is here stands for them: each member makes its own,
/// and the rest goes once it has made the next one. Only under a committed log.compacted event.
Status drop_covered_lines(log::Disk& disk, uint64_t to);
[[nodiscard]] std::vector<uint64_t> checkpoint_seqs(const log::Disk& disk);
/// The digest of the checkpoint at `seq`, from its bytes. Error: `log.corrupt` when it is not the one stored
/// beside them.
Result<std::string> check_checkpoint(const log::Disk& disk, uint64_t seq);

/// The world as of `seq`: the nearest checkpoint plus the lines after it, checked to be a chain. Errors:
/// `log.compacted`, `log.corrupt`.
Result<World> world_at(const log::Disk& disk, uint64_t seq);
/// Its views alone, which is quicker.
Result<ViewSet> views_at(const log::Disk& disk, uint64_t seq);

}  // namespace muster
