// What the other end of an output stream can show: width, colour, or nothing but bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/config/config.hpp"
#include "base/time.hpp"

namespace muster::cli {

enum class Colour : uint8_t { none, green, yellow, red, dim, bold };

struct Terminal {
  bool tty = false;
  bool colour = false;
  size_t width = 0;  ///< Columns; 0 is no limit (a pipe or a file).
};

/// Looks at file descriptor `fd`; NO_COLOR and TERM=dumb turn colour off, COLUMNS overrides the width.
[[nodiscard]] Terminal terminal_of(int fd, const config::Environment& environment);

/// `text` in `colour`, when the terminal has colours.
[[nodiscard]] std::string painted(std::string_view text, Colour colour, const Terminal& terminal);

/// `text` without control characters: what a node says must not steer somebody's terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// Columns that `text` takes: UTF-8 characters.
[[nodiscard]] size_t columns_of(std::string_view text);

/// `text` cut to `width` columns, the last of them an ellipsis when something was cut.
[[nodiscard]] std::string fitted(std::string_view text, size_t width);

/// "12s ago", "3m ago", "in 5s", "now".
[[nodiscard]] std::string relative(Time then, Time now);

/// 1536 -> "1.5 KiB".
[[nodiscard]] std::string human_bytes(uint64_t n);

}  // namespace muster::cli
