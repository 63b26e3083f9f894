// RocksDB's log files, filled ahead of what is written: a sync then writes bytes in place and nothing else.
#pragma once

#include <rocksdb/env.h>

namespace muster::log {

/// The system's files, but for RocksDB's log files: a thread writes filler ahead of their end, so that an
/// small append neither allocates a block nor moves the file's size, which would cost a sync another write or
/// two. A closed file ends where it should. After a crash the filler is still there; it reads as a broken
/// record, where point-in-time recovery ends: no record behind a lost one is ever taken.
rocksdb::Env* env_that_fills_ahead();

}  // namespace muster::log
