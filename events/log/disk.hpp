// Where a node keeps its bytes: ordered columns, atomic batches, one sync. RocksDB, or memory that loses
// power.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace muster::log {

/// The column families (docs/log_format.md). The order is the order on disk: append only.
enum class Column : uint8_t { raft, events, streams, checkpoints, journal, local, secrets, meta };
constexpr size_t kColumns = 8;
[[nodiscard]] std::string_view column_name(Column column);

/// Changes that become visible and durable together. Flat, so that building one allocates little; reuse it.
class Batch {
public:
  void put(Column column, std::string_view key, std::string_view value);
  void erase(Column column, std::string_view key);
  /// Erases from <= key < to.
  void erase_range(Column column, std::string_view from, std::string_view to);
  void clear();
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] size_t bytes() const { return flat_.size(); }

  enum class Kind : uint8_t { put, erase, erase_range };
  /// Calls visit(kind, column, key, value) for each change in order; `value` is `to` of a range.
  template <class Visit>
  void each(Visit&& visit) const;

private:
  void add(Kind kind, Column column, std::string_view key, std::string_view value);
  std::string flat_;
  size_t count_ = 0;
};

/// A read that fails is a broken disk, not an absent key: thrown, since nothing sensible follows from a
/// guess.
struct Unreadable : std::runtime_error {
  explicit Unreadable(const std::string& reason, std::string why = "log.unwritable")
    : runtime_error("the log cannot be read: " + reason), code(std::move(why)) {}
  /// What is refused that would have to read.
  [[nodiscard]] Error error() const { return {code, what()}; }
  std::string code;  ///< `log.corrupt` when the disk gave bytes that nobody wrote.
};

/// Keys sort as bytes. Thread-safe: one writer, any readers. Errors: `log.unwritable` with the system's
/// reason; reads throw Unreadable.
class Disk {
public:
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;  ///< False stops.

  virtual ~Disk() = default;
  /// Batches become durable in the order they were written; with `sync` this one and all before it are
  /// durable when the call returns. After the first failed write every later one fails until reopen().
  virtual Status write(const Batch& batch, bool sync) = 0;
  virtual Status sync() = 0;
  [[nodiscard]] virtual std::optional<std::string> get(Column column, std::string_view key) const = 0;
  /// Visits from <= key < to in order; an empty `to` means to the end.
  virtual void scan(Column column, std::string_view from, std::string_view to, const Visit& visit) const = 0;
  /// The last key below `before` (empty: the last of all), and its value.
  [[nodiscard]] virtual std::optional<std::pair<std::string, std::string>> last(
    Column column, std::string_view before) const = 0;
  /// Bytes a column takes, about.
  [[nodiscard]] virtual uint64_t size(Column column) const = 0;
  /// Closes and opens again after a failed write; what was not durable may be gone.
  virtual Status reopen() = 0;
};

/// Eight bytes, big endian, so that keys sort by number.
[[nodiscard]] std::string number_key(uint64_t n);
[[nodiscard]] uint64_t number_of(std::string_view key);  ///< 0 when it is not eight bytes.

template <class Visit>
void Batch::each(Visit&& visit) const {
  // Layout of a change: kind, column, key size (4), value size (4), key, value.
  for (size_t at = 0; at < flat_.size();) {
    const auto size = [&](size_t pos) {
      uint32_t n = 0;
      flat_.copy(reinterpret_cast<char*>(&n), sizeof n, pos);
      return size_t{n};
    };
    const size_t key = size(at + 2), value = size(at + 6);
    const std::string_view flat{flat_};
    visit(static_cast<Kind>(flat_[at]), static_cast<Column>(flat_[at + 1]), flat.substr(at + 10, key),
          flat.substr(at + 10 + key, value));
    at += 10 + key + value;
  }
}

}  // namespace muster::log
