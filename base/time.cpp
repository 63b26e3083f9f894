// Time as text.
#include "base/time.hpp"

#include <charconv>

namespace muster {
namespace {

/// Reads exactly `width` digits at `pos` and moves on; nothing else.
std::optional<int> digits(std::string_view text, size_t& pos, size_t width) {
  if (pos + width > text.size()) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < width; i++) {
    const char c = text[pos + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  pos += width;
  return value;
}

bool skip(std::string_view text, size_t& pos, char c) {
  if (pos >= text.size() || text[pos] != c) return false;
  pos++;
  return true;
}

std::optional<Millis> offset(std::string_view text, size_t& pos) {
  if (skip(text, pos, 'Z')) return Millis{0};
  if (pos >= text.size() || (text[pos] != '+' && text[pos] != '-')) return std::nullopt;
  const int sign = text[pos++] == '+' ? 1 : -1;
  const auto hours = digits(text, pos, 2);
  if (!hours || *hours > 23 || !skip(text, pos, ':')) return std::nullopt;
  const auto minutes = digits(text, pos, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (std::chrono::hours{*hours} + std::chrono::minutes{*minutes});
}

std::optional<Millis> fraction(std::string_view text, size_t& pos) {
  if (!skip(text, pos, '.')) return Millis{0};
  int value = 0;
  size_t count = 0;
  for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; pos++, count++)
    if (count < 3) value = value * 10 + (text[pos] - '0');
  if (count == 0 || count > 9) return std::nullopt;
  for (; count < 3; count++) value *= 10;
  return Millis{value};
}

/// Writes the last `width` digits of `value` at `pos`.
void put_digits(std::string& text, size_t pos, size_t width, unsigned value) {
  for (; width-- > 0; value /= 10) text[pos + width] = static_cast<char>('0' + value % 10);
}

}  // namespace

Time system_now() {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}

std::string to_rfc3339(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss<Millis> clock{time - day};
  const auto year = static_cast<int>(date.year());
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(text, 5, 2, static_cast<unsigned>(date.month()));
  put_digits(text, 8, 2, static_cast<unsigned>(date.day()));
  put_digits(text, 11, 2, static_cast<unsigned>(clock.hours().count()));
  put_digits(text, 14, 2, static_cast<unsigned>(clock.minutes().count()));
  put_digits(text, 17, 2, static_cast<unsigned>(clock.seconds().count()));
  put_digits(text, 20, 3, static_cast<unsigned>(clock.subseconds().count()));
  if (year < 0 || year > 9999) return std::to_string(year) + text.substr(4);
  put_digits(text, 0, 4, static_cast<unsigned>(year));
  return text;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  size_t pos = 0;
  const auto year = digits(text, pos, 4);
  if (!year || !skip(text, pos, '-')) return std::nullopt;
  const auto month = digits(text, pos, 2);
  if (!month || !skip(text, pos, '-')) return std::nullopt;
  const auto day = digits(text, pos, 2);
  if (!day || pos >= text.size() || (text[pos] != 'T' && text[pos] != 't' && text[pos] != ' '))
    return std::nullopt;
  pos++;
  const auto hour = digits(text, pos, 2);
  if (!hour || *hour > 23 || !skip(text, pos, ':')) return std::nullopt;
  const auto minute = digits(text, pos, 2);
  if (!minute || *minute > 59 || !skip(text, pos, ':')) return std::nullopt;
  const auto second = digits(text, pos, 2);
  if (!second || *second > 60) return std::nullopt;
  const auto part = fraction(text, pos);
  if (!part) return std::nullopt;
  const auto shift = offset(text, pos);
  if (!shift || pos != text.size()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return Time{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second} + *part - *shift;
}

std::optional<Millis> parse_duration(std::string_view text) {
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || value < 0 || value > 1'000'000'000) return std::nullopt;
  const std::string_view unit{end, static_cast<size_t>(text.data() + text.size() - end)};
  if (unit == "ms") return Millis{value};
  if (unit.empty() || unit == "s") return std::chrono::seconds{value};
  if (unit == "m") return std::chrono::minutes{value};
  if (unit == "h") return std::chrono::hours{value};
  if (unit == "d") return std::chrono::hours{value * 24};
  return std::nullopt;
}

}  // namespace muster
