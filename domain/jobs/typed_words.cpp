// Reading numbers and truths.
#include "domain/jobs/typed_words.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace muster::jobs {
namespace {

constexpr size_t kMaxShown = 120;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const auto letter = lower(c);
  return letter >= 'a' && letter <= 'z' ? letter - 'a' + 10 : 99;
}

/// Takes the prefix off and says its base. A leading 0 alone is octal, as in a shell.
int take_base(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const auto mark = static_cast<char>(text[1] | 0x20);
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  text.remove_prefix(base == 0 ? 1 : 2);
  // `0x_1f` and `0_17` are written too.
  if (text.size() > 1 && text[0] == '_') text.remove_prefix(1);
  return base == 0 ? 8 : base;
}

bool same_letter(char a, char b) {
  return lower(a) == lower(b);
}

}  // namespace

std::optional<int64_t> integer_of(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const int base = take_base(text);
  if (text.empty()) return std::nullopt;
  const uint64_t most = uint64_t{std::numeric_limits<int64_t>::max()} + (negative ? 1 : 0);
  uint64_t value = 0;
  bool after_digit = false;
  for (const char c : text) {
    if (c == '_') {
      if (!after_digit) return std::nullopt;
      after_digit = false;
      continue;
    }
    const int digit = digit_of(c);
    if (digit >= base) return std::nullopt;
    if (value > (most - static_cast<uint64_t>(digit)) / static_cast<uint64_t>(base)) return std::nullopt;
    value = value * static_cast<uint64_t>(base) + static_cast<uint64_t>(digit);
    after_digit = true;
  }
  if (!after_digit) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - value : value);
}

std::optional<bool> boolean_of(std::string_view text) {
  constexpr std::array<std::string_view, 6> kYes{"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kNo{"0", "f", "F", "FALSE", "false", "False"};
  if (std::find(kYes.begin(), kYes.end(), text) != kYes.end()) return true;
  if (std::find(kNo.begin(), kNo.end(), text) != kNo.end()) return false;
  return std::nullopt;
}

std::string shown_word(std::string_view text) {
  if (text.size() <= kMaxShown) return '"' + std::string(text) + '"';
  size_t end = kMaxShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) end--;  // Not inside a character.
  return '"' + std::string(text.substr(0, end)) + "...\"";
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_letter);
}

bool begins_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), same_letter);
}

}  // namespace muster::jobs
