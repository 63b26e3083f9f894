// A Disk in memory that can lose power.
#include "events/log/memory_disk.hpp"

#include <algorithm>

namespace muster::log {
namespace {

const Error kFailed{"log.unwritable", "the disk fails, as the test asked"};

size_t at(Column column) {
  return static_cast<size_t>(column);
}

}  // namespace

Status MemoryDisk::write(const Batch& batch, bool sync) {
  const std::lock_guard lock{mutex_};
  failed_ = failed_ || failing_;
  if (failed_) return kFailed;
  apply(live_, batch);
  if (sync) {
    for (const auto& earlier : unsynced_) apply(durable_, earlier);
    unsynced_.clear();
    apply(durable_, batch);
  } else {
    unsynced_.push_back(batch);
  }
  return Done{};
}

Status MemoryDisk::sync() {
  return write({}, true);
}

std::optional<std::string> MemoryDisk::get(Column column, std::string_view key) const {
  const std::lock_guard lock{mutex_};
  must_read();
  const auto& map = live_[at(column)];
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional{found->second};
}

void MemoryDisk::scan(Column column, std::string_view from, std::string_view to, const Visit& visit) const {
  std::vector<std::pair<std::string, std::string>> rows;  // A visit may come back with a call of its own.
  {
    const std::lock_guard lock{mutex_};
    must_read();
    const auto& map = live_[at(column)];
    for (auto it = map.lower_bound(from); it != map.end() && (to.empty() || it->first < to); ++it)
      rows.emplace_back(*it);
  }
  for (const auto& [key, value] : rows)
    if (!visit(key, value)) return;
}

std::optional<std::pair<std::string, std::string>> MemoryDisk::last(Column column,
                                                                    std::string_view before) const {
  const std::lock_guard lock{mutex_};
  must_read();
  const auto& map = live_[at(column)];
  const auto end = before.empty() ? map.end() : map.lower_bound(before);
  if (end == map.begin()) return std::nullopt;
  return *std::prev(end);
}

uint64_t MemoryDisk::size(Column column) const {
  const std::lock_guard lock{mutex_};
  uint64_t bytes = 0;
  for (const auto& [key, value] : live_[at(column)]) bytes += key.size() + value.size();
  return bytes;
}

Status MemoryDisk::reopen() {
  const std::lock_guard lock{mutex_};
  if (failing_) return kFailed;
  failed_ = false;
  return Done{};
}

std::unique_ptr<Disk> MemoryDisk::moment() const {
  const std::lock_guard lock{mutex_};
  must_read();
  auto copy = std::make_unique<MemoryDisk>();
  copy->live_ = live_;
  copy->failing_ = true;
  return copy;
}

size_t MemoryDisk::unsynced() const {
  const std::lock_guard lock{mutex_};
  return unsynced_.size();
}

bool MemoryDisk::refuses() const {
  const std::lock_guard lock{mutex_};
  return failed_;
}

void MemoryDisk::lose_power(size_t kept) {
  const std::lock_guard lock{mutex_};
  for (size_t i = 0; i < std::min(kept, unsynced_.size()); i++) apply(durable_, unsynced_[i]);
  unsynced_.clear();
  live_ = durable_;
  failed_ = false;
}

void MemoryDisk::fail_writes(bool failing) {
  const std::lock_guard lock{mutex_};
  failing_ = failing;
}

void MemoryDisk::fail_reads(bool failing) {
  const std::lock_guard lock{mutex_};
  unreadable_ = failing;
}

void MemoryDisk::must_read() const {
  if (unreadable_) throw Unreadable("asked to fail");
}

void MemoryDisk::apply(Columns& to, const Batch& batch) {
  batch.each([&](Batch::Kind kind, Column column, std::string_view key, std::string_view value) {
    auto& map = to[at(column)];
    switch (kind) {
      case Batch::Kind::put:
        map.insert_or_assign(std::string{key}, std::string{value});
        break;
      case Batch::Kind::erase:
        if (const auto found = map.find(key); found != map.end()) map.erase(found);
        break;
      case Batch::Kind::erase_range:
        map.erase(map.lower_bound(key), map.lower_bound(value));
        break;
    }
  });
}

}  // namespace muster::log
