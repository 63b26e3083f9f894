// Widths, colours and times for people.
#include "app/cli/terminal.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace muster::cli {
namespace {

size_t width_of(int fd, const config::Environment& environment) {
  if (const auto columns = environment("COLUMNS")) {
    size_t width = 0;
    std::from_chars(columns->data(), columns->data() + columns->size(), width);
    if (width >= 20) return width;
  }
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  return 80;
}

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

}  // namespace

Terminal terminal_of(int fd, const config::Environment& environment) {
  Terminal terminal;
  terminal.tty = isatty(fd) == 1;
  if (!terminal.tty) return terminal;
  const auto no_colour = environment("NO_COLOR");
  terminal.colour = !(no_colour && !no_colour->empty()) && environment("TERM").value_or("dumb") != "dumb";
  terminal.width = width_of(fd, environment);
  return terminal;
}

std::string painted(std::string_view text, Colour colour, const Terminal& terminal) {
  if (!terminal.colour || colour == Colour::none || text.empty()) return std::string{text};
  constexpr std::array<std::string_view, 6> kCodes = {"0", "32", "33", "31", "2", "1"};
  return "\x1b[" + std::string{kCodes[static_cast<size_t>(colour)]} + "m" + std::string{text} + "\x1b[0m";
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (size_t i = 0; i < text.size(); i++) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C2 80 to C2 9F are the C1 controls; some terminals obey them like an escape.
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) i++;
    clean += c < 0x20 || c == 0x7F || c1 ? '?' : text[i];
  }
  return clean;
}

size_t columns_of(std::string_view text) {
  size_t n = 0;
  for (const char c : text) n += starts_character(c) ? 1 : 0;
  return n;
}

std::string fitted(std::string_view text, size_t width) {
  if (columns_of(text) <= width) return std::string{text};
  if (width == 0) return {};
  size_t end = 0, seen = 0;
  while (end < text.size()) {
    if (starts_character(text[end]) && seen++ == width - 1) break;
    end++;
  }
  return std::string{text.substr(0, end)} + "…";
}

std::string relative(Time then, Time now) {
  const int64_t distance = (now - then).count();
  const int64_t seconds = std::abs(distance) / 1000;
  if (seconds == 0) return "now";
  std::string amount;
  if (seconds < 120)
    amount = std::to_string(seconds) + "s";
  else if (seconds < 7'200)
    amount = std::to_string(seconds / 60) + "m";
  else if (seconds < 172'800)
    amount = std::to_string(seconds / 3'600) + "h";
  else
    amount = std::to_string(seconds / 86'400) + "d";
  return distance > 0 ? amount + " ago" : "in " + amount;
}

std::string human_bytes(uint64_t n) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (n < 1024) return std::to_string(n) + " B";
  auto value = static_cast<double>(n);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    unit++;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits[unit]);
  return text.data();
}

}  // namespace muster::cli
