// A Disk in memory that can lose power: for the simulator and for tests.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <vector>

#include "events/log/disk.hpp"
#include "events/log/snapshot.hpp"

namespace muster::log {

class MemoryDisk : public Disk, public Moments {
public:
  Status write(const Batch& batch, bool sync) override;
  Status sync() override;
  [[nodiscard]] std::optional<std::string> get(Column column, std::string_view key) const override;
  void scan(Column column, std::string_view from, std::string_view to, const Visit& visit) const override;
  [[nodiscard]] std::optional<std::pair<std::string, std::string>> last(
    Column column, std::string_view before) const override;
  [[nodiscard]] uint64_t size(Column column) const override;
  Status reopen() override;
  [[nodiscard]] std::unique_ptr<Disk> moment() const override;

  /// How many batches a power cut now could lose.
  [[nodiscard]] size_t unsynced() const;
  /// Power fails with the first `kept` unsynced batches on the platter.
  void lose_power(size_t kept);
  /// Whether a write failed since the last reopen(): all that follow fail, too.
  [[nodiscard]] bool refuses() const;
  /// From now on every write fails with `log.unwritable`, until called with false.
  void fail_writes(bool failing);
  /// From now on every read throws, as RocksDB's do when a file cannot be read, until called with false.
  void fail_reads(bool failing);

private:
  using Map = std::map<std::string, std::string, std::less<>>;
  using Columns = std::array<Map, kColumns>;
  static void apply(Columns& to, const Batch& batch);
  void must_read() const;
  mutable std::mutex mutex_;
  Columns live_, durable_;
  std::vector<Batch> unsynced_;
  bool failing_ = false, failed_ = false, unreadable_ = false;
};

}  // namespace muster::log
