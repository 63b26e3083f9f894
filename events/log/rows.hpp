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

/// What is stored of a row with this text: the text, or `packed`, into which it is packed.
[[nodiscard]] std::string_view pack_row(std::string_view text, std::string& packed);

/// Rows as they are read; lends memory from one to the next.
class RowReader {
public:
  /// The lines of the row with this key, valid until the next call. Throws Unreadable, with `log.corrupt`,
  /// when the row is damaged: nothing sensible can go on from it.
  [[nodiscard]] std::string_view text(std::string_view key, std::string_view value);
  /// The same of a row that a peer sent. False when it is damaged.
  [[nodiscard]] bool read(std::string_view value, std::string_view& text);

private:
  std::string text_;
};

/// How long the text of a row is, without unpacking it.
[[nodiscard]] size_t text_size(std::string_view value);

/// Calls visit(seq, line) for the lines of a row, the last of which is `last`, until it answers false; false
/// then.
template <class Visit>
bool each_in_row(uint64_t last, std::string_view text, Visit&& visit) {
  auto seq = last;
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) seq--;
  for (;;) {
    const auto end = text.find('\n');
    if (!visit(seq++, text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace muster::log
