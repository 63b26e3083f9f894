// The shape of a line as docs/log_format.md states it, without what its event means.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace muster {

/// How long a line may be, with its newline, and how deep it may nest.
constexpr size_t kMaxLine = size_t{8} << 20;
constexpr int kMaxLineDepth = 128;

/// The pieces of a line, pointing into it. Strings are without their quotes, and escapes stay.
struct LineShape {
  uint64_t seq = 0;
  std::string_view prev, time;
  Time at{};  ///< What `time` says.
  uint64_t epoch = 0;
  std::string_view node, actor, request, type, stream;
  std::optional<int64_t> cause;
  std::string_view data;  ///< From its `{` to its `}`.
};

/// Splits a line (without its newline) and checks all but what is inside `data`.
/// Why it is not a line, or nullptr.
[[nodiscard]] const char* split_line(std::string_view line, LineShape& shape);

/// Splits a line and checks everything. Why it is not a line, or nullptr.
[[nodiscard]] const char* check_line(std::string_view line, LineShape& shape);

/// True when `text` is one JSON value without white space outside strings, at most `depth` deep, every number
/// within a double's range, every string valid UTF-8 without half surrogate pairs.
[[nodiscard]] bool is_strict_json(std::string_view text, int depth);

/// The size of the value that `text` begins with, as is_strict_json wants it; 0 when there is none.
[[nodiscard]] size_t strict_json_size(std::string_view text, int depth);

/// How many bytes at the beginning of `text` stand for themselves in a JSON string: ASCII that needs no
/// escape.
[[nodiscard]] size_t plain_size(std::string_view text);

/// True when what stands between a JSON string's quotes may stand there.
[[nodiscard]] bool is_strict_string(std::string_view raw);

}  // namespace muster
