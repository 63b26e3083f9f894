// Reads quantities with whole numbers only: a limit must not depend on how a float rounds.
#include "domain/jobs/quantity.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr size_t kMaxFraction = 9;  // Digits after the point.

/// The digits in front of the unit, and the unit.
struct Number {
  int64_t whole = 0, fraction = 0, scale = 1;  // whole + fraction / scale
  std::string_view unit;
};

bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits at the front, and says how many; none when the number does not fit.
size_t take_digits(std::string_view& text, int64_t& into) {
  const size_t before = text.size();
  for (; !text.empty() && digit(text[0]); text.remove_prefix(1))
    if (__builtin_mul_overflow(into, 10, &into) || __builtin_add_overflow(into, text[0] - '0', &into))
      return 0;
  return before - text.size();
}

std::optional<Number> read(std::string_view text) {
  if (text.size() > kMaxQuantity) return std::nullopt;
  Number number;
  if (take_digits(text, number.whole) == 0) return std::nullopt;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    const size_t digits = take_digits(text, number.fraction);
    if (digits == 0 || digits > kMaxFraction) return std::nullopt;
    for (size_t i = 0; i < digits; i++) number.scale *= 10;
  }
  number.unit = text;
  return number;
}

/// `number` units as a whole; none when that does not fit or is not whole.
std::optional<int64_t> times(const Number& number, int64_t unit) {
  int64_t whole = 0, part = 0, sum = 0;
  if (__builtin_mul_overflow(number.whole, unit, &whole) ||
      __builtin_mul_overflow(number.fraction, unit, &part) || part % number.scale != 0 ||
      __builtin_add_overflow(whole, part / number.scale, &sum) || sum == 0)
    return std::nullopt;
  return sum;
}

std::optional<int64_t> bytes_of(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 11> kUnits{{{"", 1},
                                                                         {"b", 1},
                                                                         {"k", 1LL << 10},
                                                                         {"ki", 1LL << 10},
                                                                         {"kib", 1LL << 10},
                                                                         {"m", 1LL << 20},
                                                                         {"mi", 1LL << 20},
                                                                         {"mib", 1LL << 20},
                                                                         {"g", 1LL << 30},
                                                                         {"gi", 1LL << 30},
                                                                         {"gib", 1LL << 30}}};
  const auto wanted = lower_case(unit);
  const auto* found =
    std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& known) { return known.first == wanted; });
  if (found == kUnits.end()) return std::nullopt;
  return found->second;
}

Error refused(std::string_view what, std::string_view text, std::string_view remedy) {
  return {"E_IMAGE_POLICY", std::string(what) + " \"" + shown(text) + "\" " + std::string(remedy)};
}

}  // namespace

Result<int64_t> parse_cpu(std::string_view text) {
  const auto number = read(text);
  std::optional<int64_t> millis;
  if (number && number->unit.empty()) millis = times(*number, 1000);
  if (number && number->unit == "m") millis = times(*number, 1);
  if (millis) return *millis;
  return refused("cpu", text,
                 "must be more than 0, as millicores (500m) or cores with up to 3 decimals (1.5)");
}

Result<int64_t> parse_memory(std::string_view text) {
  const auto number = read(text);
  const auto unit = number ? bytes_of(number->unit) : std::nullopt;
  const auto bytes = unit ? times(*number, *unit) : std::nullopt;
  if (bytes) return *bytes;
  return refused("memory", text,
                 "must be more than 0 and below 8 EiB, as whole bytes or with Ki, Mi, Gi (512Mi)");
}

std::string cores(int64_t millis) {
  std::string text = std::to_string(millis / 1000);
  if (millis % 1000 == 0) return text;
  text += '.' + std::to_string(1000 + millis % 1000).substr(1);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace muster::jobs
