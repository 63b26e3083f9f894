// Lines in rows of the events column: neighbours together, packed where that makes them smaller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "events/log/disk.hpp"

namespace muster::log {

constexpr size_t kRowBytes =
  32 * 1024;  ///< Beyond this a row ends: one line is read without too many others.

/// Lines on their way into the events column: rows of neighbours, so that a batch costs few insertions. A
/// row's key is the seq of its last line, its value the lines with a newline between each two, or a zero byte
/// and these packed (pack.hpp).
class RowWriter {
public:
  void add(uint64_t seq, std::string_view line, Batch& batch);
  /// The lines that were added since the last row.
  void finish(Batch& batch);

private:
  std::string row_, packed_;
  uint64_t last_ = 0;
};

/// Rows as they are read; lends memory from one to the next.
class RowReader {
public:
  /// The lines of a row, valid until the next call. Throws when the row is damaged: nothing sensible can go
  /// on from it.
  [[nodiscard]] std::string_view text(std::string_view value);

private:
  std::string text_;
};

}  // namespace muster::log
