// Reading and writing the values of settings.
#include "app/config/value.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <utility>

namespace muster::config {
namespace {

constexpr std::array<std::pair<std::string_view, int64_t>, 9> kUnits = {{
  {"tib", int64_t{1} << 40},
  {"gib", int64_t{1} << 30},
  {"mib", int64_t{1} << 20},
  {"kib", int64_t{1} << 10},
  {"gb", 1'000'000'000},
  {"mb", 1'000'000},
  {"kb", 1'000},
  {"b", 1},
  {"", 1},
}};

Error bad(std::string_view text, std::string_view expected) {
  return {"config.invalid", "'" + std::string{text} + "' is not " + std::string{expected}};
}

Result<int64_t> parse_integer(std::string_view text) {
  int64_t n = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, n);
  if (ec != std::errc{} || stop != end) return bad(text, "a whole number, such as 100");
  return n;
}

template <class T>
Result<Value> lift(const Result<T>& from) {
  if (!from) return from.error();
  return Value{*from};
}

std::string duration_text(Millis value) {
  const int64_t ms = value.count();
  if (ms == 0) return "0s";
  if (ms % 86'400'000 == 0 && ms > 86'400'000) return std::to_string(ms / 86'400'000) + "d";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
  if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + "s";
  return std::to_string(ms) + "ms";
}

std::string bytes_text(int64_t n) {
  constexpr std::array<std::pair<std::string_view, int>, 4> kBinary = {
    {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}}};
  for (const auto& [unit, shift] : kBinary) {
    const int64_t size = int64_t{1} << shift;
    if (n >= size && n % size == 0) return std::to_string(n / size) + std::string{unit};
  }
  return std::to_string(n);
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return bad(text, "a truth value: true or false");
}

Result<int64_t> parse_bytes(std::string_view text) {
  constexpr std::string_view kExpected = "a size, such as 512KiB or 1MiB";
  int64_t n = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, n);
  if (ec != std::errc{} || n < 0) return bad(text, kExpected);
  std::string unit;
  for (const char* c = stop; c != end; c++)
    if (*c != ' ' || !unit.empty()) unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  const auto* found =
    std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& u) { return u.first == unit; });
  if (found == kUnits.end() || n > std::numeric_limits<int64_t>::max() / found->second)
    return bad(text, kExpected);
  return n * found->second;
}

Result<Value> parse_value(Type type, std::string_view text) {
  switch (type) {
    case Type::text:
      return Value{std::string{text}};
    case Type::boolean:
      return lift(parse_bool(text));
    case Type::integer:
      return lift(parse_integer(text));
    case Type::bytes:
      return lift(parse_bytes(text));
    case Type::duration:
      break;
  }
  const auto duration = parse_duration(text);
  if (!duration) return bad(text, "a duration, such as 250ms, 30s, 5m, 24h or 7d");
  return Value{*duration};
}

std::string to_text(Type type, const Value& value) {
  switch (type) {
    case Type::text:
      return std::get<std::string>(value);
    case Type::boolean:
      return std::get<bool>(value) ? "true" : "false";
    case Type::integer:
      return std::to_string(std::get<int64_t>(value));
    case Type::bytes:
      return bytes_text(std::get<int64_t>(value));
    case Type::duration:
      break;
  }
  return duration_text(std::get<Millis>(value));
}

}  // namespace muster::config
