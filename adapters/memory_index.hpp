// The vector index inside the node: classes and objects in memory, and in the node's `local` column, from
// where they are read at the start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/ports/vector_index.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// Every limit of the embedded index; beyond them: `backend.limit`.
struct MemoryIndexLimits {
  size_t classes = profile::kMostKept;
  size_t objects = 100'000;
  size_t bytes = 256ul * 1024 * 1024;  ///< Of all objects, as they are on disk.
};

/// An object is durable when upsert_vector() returns, and so is its class. A class or property alone may be
/// gone after a loss of power: it is made anew by whoever makes sure of it. `disk` outlives it. Error:
/// `log.unwritable` or `log.corrupt` when it cannot be read.
Result<std::unique_ptr<VectorIndex>> make_memory_index(log::Disk& disk, MemoryIndexLimits limits = {});

/// Names of the classes that such an index left on `disk`; none of its objects is read. Errors: the same.
Result<std::vector<std::string>> kept_classes(const log::Disk& disk);

}  // namespace muster
