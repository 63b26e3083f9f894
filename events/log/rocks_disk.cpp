// A Disk on RocksDB.
#include "events/log/rocks_disk.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <system_error>

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include "events/log/rocks_options.hpp"
#include "events/log/snapshot.hpp"

namespace muster::log {
namespace {

constexpr int kReadOnlyTries = 5;
constexpr size_t kProbeBytes = 64 * 1024;

Error unwritable(std::string reason) {
  return {"log.unwritable", std::move(reason)};
}

Error unwritable(const rocksdb::Status& status) {
  return unwritable(status.ToString());
}

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

std::string_view view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

void must(const rocksdb::Status& status) {
  if (!status.ok()) throw Unreadable(status.ToString());
}

/// The database, its families and its snapshots, closed together.
class Store {
public:
  static Result<std::shared_ptr<Store>> open(const std::string& folder, Access access) {
    auto store = std::make_shared<Store>();
    rocksdb::Status status;
    // Files may vanish under a reader while the writer beside it compacts: look again.
    for (int tries = 0; tries < (access == Access::read_only ? kReadOnlyTries : 1); tries++) {
      rocksdb::DB* db = nullptr;
      status = access == Access::read_only
                 ? rocksdb::DB::OpenForReadOnly(rocks_options(access), folder, rocks_families(),
                                                &store->families_, &db)
                 : rocksdb::DB::Open(rocks_options(access), folder, rocks_families(), &store->families_, &db);
      store->db_.reset(db);
      if (status.ok()) return store;
    }
    return unwritable(status);
  }
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    for (const auto* taken : snapshots_) db_->ReleaseSnapshot(taken);
    for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  }
  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Column column) const {
    return families_[static_cast<size_t>(column) + 1];  // 0 is RocksDB's default family.
  }

  [[nodiscard]] const rocksdb::Snapshot* take_snapshot() {
    const std::lock_guard lock{mutex_};
    return *snapshots_.insert(db_->GetSnapshot()).first;
  }
  void release(const rocksdb::Snapshot* taken) {
    const std::lock_guard lock{mutex_};
    if (snapshots_.erase(taken) > 0) db_->ReleaseSnapshot(taken);
  }

  // As Disk has them, as of `moment`; nullptr: now.

  [[nodiscard]] std::optional<std::string> get(Column column, std::string_view key,
                                               const rocksdb::Snapshot* moment) const {
    std::string value;
    const auto status = db().Get(reading(moment), family(column), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    must(status);
    return value;
  }

  void scan(Column column, std::string_view from, std::string_view to, const Disk::Visit& visit,
            const rocksdb::Snapshot* moment) const {
    const auto end = slice(to);
    auto options = reading(moment);
    if (!to.empty()) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> it{db().NewIterator(options, family(column))};
    for (it->Seek(slice(from)); it->Valid(); it->Next())
      if (!visit(view(it->key()), view(it->value()))) return;
    must(it->status());
  }

  [[nodiscard]] std::optional<std::pair<std::string, std::string>> last(
    Column column, std::string_view before, const rocksdb::Snapshot* moment) const {
    const std::unique_ptr<rocksdb::Iterator> it{db().NewIterator(reading(moment), family(column))};
    before.empty() ? it->SeekToLast() : it->SeekForPrev(slice(before));
    if (it->Valid() && !before.empty() && view(it->key()) == before) it->Prev();
    must(it->status());
    if (!it->Valid()) return std::nullopt;
    return std::pair{it->key().ToString(), it->value().ToString()};
  }

  [[nodiscard]] uint64_t size(Column column) const {
    uint64_t files = 0, memory = 0;
    db().GetIntProperty(family(column), rocksdb::DB::Properties::kLiveSstFilesSize, &files);
    db().GetIntProperty(family(column), rocksdb::DB::Properties::kSizeAllMemTables, &memory);
    return files + memory;
  }

private:
  static rocksdb::ReadOptions reading(const rocksdb::Snapshot* moment) {
    rocksdb::ReadOptions options;
    options.snapshot = moment;
    return options;
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::mutex mutex_;  ///< Guards snapshots_.
  std::set<const rocksdb::Snapshot*> snapshots_;
};

/// A moment of a store. It does not keep the store open: two cannot hold the folder's lock.
class RocksSnapshot : public Disk {
public:
  RocksSnapshot(const std::shared_ptr<Store>& store, std::shared_mutex& swap)
    : swap_(swap), store_(store), moment_(store->take_snapshot()) {}
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;
  ~RocksSnapshot() override {
    const std::shared_lock reading{swap_};
    if (const auto store = store_.lock()) store->release(moment_);
  }

  Status write(const Batch&, bool) override { return unwritable("a snapshot is not written to"); }
  Status sync() override { return write({}, true); }
  Status reopen() override { return write({}, true); }
  [[nodiscard]] std::optional<std::string> get(Column column, std::string_view key) const override {
    const std::shared_lock reading{swap_};
    return store()->get(column, key, moment_);
  }
  void scan(Column column, std::string_view from, std::string_view to, const Visit& visit) const override {
    const std::shared_lock reading{swap_};
    store()->scan(column, from, to, visit, moment_);
  }
  [[nodiscard]] std::optional<std::pair<std::string, std::string>> last(
    Column column, std::string_view before) const override {
    const std::shared_lock reading{swap_};
    return store()->last(column, before, moment_);
  }
  [[nodiscard]] uint64_t size(Column column) const override {
    const std::shared_lock reading{swap_};
    return store()->size(column);
  }

private:
  /// While swap_ is held.
  [[nodiscard]] std::shared_ptr<Store> store() const {
    if (auto store = store_.lock()) return store;
    throw Unreadable("it was opened again since the snapshot was taken");
  }

  std::shared_mutex& swap_;  ///< The disk's.
  std::weak_ptr<Store> store_;
  const rocksdb::Snapshot* moment_;
};

/// Whether the folder takes and keeps a few bytes; asked before a store that still serves reads is closed.
Status probe(const std::string& folder) {
  const auto file = folder + "/probe";
  const int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return unwritable(std::generic_category().message(errno));
  const std::string bytes(kProbeBytes, 'p');
  errno = ENOSPC;  // A short write sets none.
  const bool kept = ::write(fd, bytes.data(), bytes.size()) == ssize_t(bytes.size()) && ::fsync(fd) == 0;
  const auto reason = std::generic_category().message(errno);
  ::close(fd);
  ::unlink(file.c_str());
  if (!kept) return unwritable(reason);
  return Done{};
}

class RocksDisk : public Disk, public Moments {
public:
  RocksDisk(std::string folder, Access access, std::shared_ptr<Store> store)
    : folder_(std::move(folder)), access_(access), store_(std::move(store)) {
    if (access == Access::read_only) failed_ = unwritable("opened for reading only");
  }

  Status write(const Batch& batch, bool sync) override {
    const std::lock_guard writing{writer_};
    if (failed_) return *failed_;
    rocks_.Clear();
    batch.each([this](Batch::Kind kind, Column column, std::string_view key, std::string_view value) {
      auto* family = store().family(column);
      switch (kind) {
        case Batch::Kind::put:
          return void(rocks_.Put(family, slice(key), slice(value)));
        case Batch::Kind::erase:
          return void(rocks_.Delete(family, slice(key)));
        case Batch::Kind::erase_range:
          return void(rocks_.DeleteRange(family, slice(key), slice(value)));
      }
    });
    rocksdb::WriteOptions options;
    options.sync = sync;
    return settle(store().db().Write(options, &rocks_));
  }

  Status sync() override {
    const std::lock_guard writing{writer_};
    if (failed_) return *failed_;
    return settle(store().db().SyncWAL());
  }

  [[nodiscard]] std::optional<std::string> get(Column column, std::string_view key) const override {
    const std::shared_lock reading{swap_};
    return store().get(column, key, nullptr);
  }

  void scan(Column column, std::string_view from, std::string_view to, const Visit& visit) const override {
    const std::shared_lock reading{swap_};
    store().scan(column, from, to, visit, nullptr);
  }

  [[nodiscard]] std::optional<std::pair<std::string, std::string>> last(
    Column column, std::string_view before) const override {
    const std::shared_lock reading{swap_};
    return store().last(column, before, nullptr);
  }

  [[nodiscard]] uint64_t size(Column column) const override {
    const std::shared_lock reading{swap_};
    return store_ ? store_->size(column) : 0;
  }

  [[nodiscard]] std::unique_ptr<Disk> moment() const override {
    const std::shared_lock reading{swap_};
    (void)store();
    return std::make_unique<RocksSnapshot>(store_, swap_);
  }

  Status reopen() override {
    const std::lock_guard writing{writer_};
    if (access_ == Access::read_only) return *failed_;
    if (auto probed = probe(folder_); !probed) return probed;
    const std::unique_lock swapping{swap_};
    store_.reset();  // Two cannot hold the folder's lock.
    auto opened = Store::open(folder_, Access::read_write);
    if (opened) {
      store_ = std::move(*opened);
      failed_.reset();
      return Done{};
    }
    failed_ = opened.error();
    if (auto for_reading = Store::open(folder_, Access::read_only)) store_ = std::move(*for_reading);
    return opened.error();
  }

private:
  /// Nothing is open only after a reopen() that could not even read.
  [[nodiscard]] const Store& store() const {
    if (!store_) throw Unreadable("it could not be opened again");
    return *store_;
  }
  Status settle(const rocksdb::Status& status) {
    if (status.ok()) return Done{};
    failed_ = unwritable(status);
    return *failed_;
  }

  const std::string folder_;
  const Access access_;
  std::mutex writer_;               ///< Guards rocks_ and failed_.
  mutable std::shared_mutex swap_;  ///< Held alone while reopen() replaces the store.
  std::shared_ptr<Store> store_;
  rocksdb::WriteBatch rocks_;
  std::optional<Error> failed_;
};

}  // namespace

Result<std::unique_ptr<Disk>> open_rocks_disk(const std::string& folder, Access access) {
  if (access == Access::read_write) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return unwritable(folder + ": " + failed.message());
  }
  auto store = Store::open(folder, access);
  if (!store) return store.error();
  return std::unique_ptr<Disk>{std::make_unique<RocksDisk>(folder, access, std::move(*store))};
}

std::string rocks_version() {
  return rocksdb::GetRocksVersionAsString();
}

}  // namespace muster::log
