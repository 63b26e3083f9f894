// Whether what this node has folded rests on a checkpoint that it took from a peer.
#pragma once

#include <string_view>

#include "events/log/disk.hpp"

namespace muster::actors {

constexpr std::string_view kBorrowedKey = "borrowed";  // In meta, and empty.

/// From now on it does: the log names the checkpoint, but this node has not come to it by itself.
inline void put_borrowed(log::Batch& batch) {
  batch.put(log::Column::meta, kBorrowedKey, "");
}

[[nodiscard]] inline bool is_borrowed(const log::Disk& disk) {
  return disk.get(log::Column::meta, kBorrowedKey).has_value();
}

/// This node has folded every line by itself, and came to the same.
inline Status forget_borrowed(log::Disk& disk) {
  log::Batch batch;
  batch.erase(log::Column::meta, kBorrowedKey);
  return disk.write(batch, false);
}

}  // namespace muster::actors
