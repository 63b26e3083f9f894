// A stored checkpoint as one run of bytes, so that a member gives it to another in pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "events/log/disk.hpp"

namespace muster::log {

/// Which checkpoint, and what its bytes are.
struct CheckpointCopy {
  uint64_t at = 0;  ///< The seq it is as of.
  uint64_t size = 0;
  Digest digest = kNoDigest;  ///< Of the bytes.
};

/// Gives a store's checkpoints away. Keeps the last one in memory while it is asked for. One thread at a
/// time.
class CheckpointSource {
public:
  explicit CheckpointSource(const Disk& disk) : disk_(disk) {}
  /// The newest one whose rows are all there, from <= at <= until.
  [[nodiscard]] std::optional<CheckpointCopy> newest(uint64_t from, uint64_t until);
  /// At most `most` bytes from `offset` on; empty when that checkpoint is not here.
  [[nodiscard]] std::string piece(uint64_t at, const Digest& digest, uint64_t offset, size_t most);
  /// Nobody asked for a while: the memory is given back.
  void forget() { kept_ = {}, bytes_ = {}; }

private:
  bool load(uint64_t at);
  const Disk& disk_;
  CheckpointCopy kept_;
  std::string bytes_;
};

/// Checks what CheckpointSource gave, down to the digests of both texts, and adds its rows to `batch`.
/// `digest` is what it is known to have (hex); empty: nothing is known. Error: `log.corrupt`.
Status put_checkpoint(uint64_t at, std::string_view bytes, Batch& batch, std::string_view digest = {});

}  // namespace muster::log
