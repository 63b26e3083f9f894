// How RocksDB is set, and why.
#include "events/log/rocks_options.hpp"

#include <algorithm>

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>

#include "events/log/wal_files.hpp"

namespace muster::log {
namespace {

constexpr size_t kMiB = 1 << 20;
constexpr size_t kBlockCache = 8 * kMiB;
constexpr size_t kAllMemtables = 24 * kMiB;
constexpr size_t kWal = 24 * kMiB;
constexpr int kOpenFiles = 128;

/// RocksDB's own info log asserts, in Debian's build, when the disk it writes to is full: it would end the
/// process that has just refused a write in good order. It is also nothing that anybody reads: errors come
/// back from the calls.
class Silent : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::CompressionType best_of(std::initializer_list<rocksdb::CompressionType> wanted) {
  const auto has = rocksdb::GetSupportedCompressions();
  for (const auto type : wanted)
    if (std::find(has.begin(), has.end(), type) != has.end()) return type;
  return rocksdb::kNoCompression;
}

size_t memtable_of(Column column) {
  switch (column) {
    case Column::events:
      return 8 * kMiB;
    case Column::raft:
    case Column::checkpoints:
    case Column::streams:
      return 4 * kMiB;
    default:
      return 2 * kMiB;
  }
}

}  // namespace

rocksdb::DBOptions rocks_options(Access access) {
  rocksdb::DBOptions options;
  options.create_if_missing = access == Access::read_write;
  options.create_missing_column_families = access == Access::read_write;
  // Point-in-time recovery ends at the first torn record: what is synced stays, in order. With recycled
  // log files RocksDB 7.8 crashes in MarkLogsSynced when there are several families, so: none, ever.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.recycle_log_file_num = 0;
  // What recovery reads it writes anew and syncs: after a failed fsync the page cache proves nothing.
  options.avoid_flush_during_recovery = false;
  // Blocks reserved beyond the end are unwritten extents: turning them into written ones makes a sync of 20
  // KB half as long again on ext4. Blocks that were written before make it half as long.
  options.allow_fallocate = false;
  if (access == Access::read_write) options.env = env_that_fills_ahead();
  options.max_bgerror_resume_count = 0;  // A failed disk is reopened by its owner, not behind its back.
  // One writer: the machinery for many costs more than it brings.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.db_write_buffer_size = kAllMemtables;
  options.max_total_wal_size = kWal;
  options.max_open_files = kOpenFiles;
  options.table_cache_numshardbits = 2;
  options.max_background_jobs = 2;
  options.max_file_opening_threads =
    1;  // For each column anew: starting sixteen took longer than opening few files.
  options.bytes_per_sync = kMiB;
  options.max_manifest_file_size = 4 * kMiB;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<Silent>();
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> rocks_families() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCache, 2);
  table.block_size = 16 * 1024;
  table.format_version = 5;
  const auto factory = std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
  const auto quick = best_of({rocksdb::kLZ4Compression, rocksdb::kSnappyCompression});

  rocksdb::ColumnFamilyOptions unused;
  unused.write_buffer_size = 64 * 1024;
  unused.table_factory = factory;
  std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, unused}};
  for (size_t i = 0; i < kColumns; i++) {
    const auto column = static_cast<Column>(i);
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = memtable_of(column);
    options.max_write_buffer_number = 2;
    options.arena_block_size = 64 * 1024;
    options.target_file_size_base = 16 * kMiB;
    options.max_bytes_for_level_base = 64 * kMiB;
    options.compression = column == Column::checkpoints ? rocksdb::kNoCompression : quick;  // Packed already.
    options.table_factory = factory;
    families.emplace_back(std::string{column_name(column)}, options);
  }
  return families;
}

}  // namespace muster::log
