// How RocksDB is set: small memtables, one write-ahead log, a quick start. Included only in events/log/.
#pragma once

#include <vector>

#include <rocksdb/db.h>

#include "events/log/rocks_disk.hpp"

namespace muster::log {

[[nodiscard]] rocksdb::DBOptions rocks_options(Access access);

/// The unused default family first, then one for each Column, in order.
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> rocks_families();

}  // namespace muster::log
