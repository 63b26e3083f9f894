// A Disk on RocksDB: one column family each, one write-ahead log, sized for a small node.
#pragma once

#include <memory>
#include <string>

#include "events/log/disk.hpp"

namespace muster::log {

enum class Access : uint8_t { read_write, read_only };

/// Opens the store in `folder`, creating it unless read-only. Read-only works beside a running writer and
/// sees what was written when it opened. Error: `log.unwritable` with the reason (locked by another process,
/// no room, ...).
Result<std::unique_ptr<Disk>> open_rocks_disk(const std::string& folder, Access access);

/// RocksDB's version.
[[nodiscard]] std::string rocks_version();

}  // namespace muster::log
