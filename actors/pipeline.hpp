// Records from the disk for a fold: read and hashed on one thread, decoded on another and by the caller, who
// gets them in order.
#pragma once

#include <cstdint>
#include <functional>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "events/line.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// A place in the chain: a line's seq and hash; all zero before the first line.
struct ChainPlace {
  uint64_t seq = 0;
  Digest head = kNoDigest;
};

/// Calls visit(record) for each line after `from` up to `to`, in order, on the caller's thread; each line's
/// seq and prev are checked against the line before. `from` moves to the last line that was visited. A record
/// is valid during the call. Errors: `log.compacted` when the lines after `from` are gone; `log.corrupt`
/// naming the seq, also when the log ends before `to`.
Status each_record(const log::Disk& disk, ChainPlace& from, uint64_t to,
                   const std::function<void(const Record&)>& visit);

}  // namespace muster
