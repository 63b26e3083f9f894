// Checking lines to the letter of docs/log_format.md.
#include "events/line_shape.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/json.hpp"
#include "base/time.hpp"

namespace muster {
namespace {

/// Of eight bytes, those marked that a JSON string does not hold as they are: control characters, quotes,
/// backslashes and what is beyond ASCII. Marks above the lowest one may be wrong.
uint64_t specials(const char* text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = kOnes * 0x80;
  uint64_t bytes = 0;
  std::memcpy(&bytes, text, sizeof bytes);
  const auto has_zero = [](uint64_t v) { return (v - kOnes) & ~v; };
  const auto special =
    (bytes - kOnes * 0x20) | has_zero(bytes ^ kOnes * '"') | has_zero(bytes ^ kOnes * '\\') | bytes;
  return special & kHighs;
}
static_assert(std::endian::native == std::endian::little, "the lowest mark is taken for the first byte");

/// Walks a text from left to right; every step says what it expects.
class Scanner {
public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  /// A whole number below 2^63 without a leading zero or a sign.
  bool number(uint64_t& value) {
    const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (ec != std::errc{} || (rest_[0] == '0' && end != rest_.data() + 1) || value > INT64_MAX) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return true;
  }
  /// The raw text of a JSON string, without its quotes; escapes stay.
  bool quoted(std::string_view& raw) {
    if (!literal("\"")) return false;
    for (size_t from = 0;;) {
      const auto quote = rest_.find('"', from);
      if (quote == std::string_view::npos) return false;
      size_t slashes = 0;
      while (slashes < quote && rest_[quote - 1 - slashes] == '\\') slashes++;
      if (slashes % 2 == 0) {
        raw = rest_.substr(0, quote);
        rest_.remove_prefix(quote + 1);
        return true;
      }
      from = quote + 1;
    }
  }
  /// The same, of a string that is_strict_string.
  bool strict(std::string_view& raw) {
    if (rest_.starts_with('"')) {
      const auto size = plain_size(rest_.substr(1));
      if (size + 1 < rest_.size() && rest_[size + 1] == '"') {
        raw = rest_.substr(1, size);
        rest_.remove_prefix(size + 2);
        return true;
      }
    }
    return quoted(raw) && is_strict_string(raw);
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Without branches, so that the compiler does many at once.
bool is_lower_hex(std::string_view text) {
  bool bad = false;
  for (const char c : text) {
    const auto digit = static_cast<uint8_t>(c - '0'), letter = static_cast<uint8_t>(c - 'a');
    bad |= digit > 9 && letter > 5;
  }
  return !bad;
}

/// The number of the two digits at `text`, 255 when they are none.
unsigned two_digits(const char* text) {
  const auto high = static_cast<uint8_t>(text[0] - '0'), low = static_cast<uint8_t>(text[1] - '0');
  return high > 9 || low > 9 ? 255U : high * 10U + low;
}

/// The one form that to_rfc3339 writes, from 1970 on. Lines of one day follow each other: the date is kept.
bool read_time(std::string_view text, Time& time) {
  if (text.size() != 24 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.' ||
      text[23] != 'Z')
    return false;
  struct Day {
    std::array<char, 10> text{};
    Time start{};
  };
  thread_local Day day;
  const auto date = text.substr(0, 10);
  if (date != std::string_view{day.text.data(), day.text.size()}) {
    const auto start = parse_rfc3339(std::string(date).append("T00:00:00Z"));
    if (!start || *start < Time{}) return false;
    date.copy(day.text.data(), day.text.size());
    day.start = *start;
  }
  const auto hour = two_digits(&text[11]), minute = two_digits(&text[14]), second = two_digits(&text[17]);
  const auto hundredth = two_digits(&text[20]), rest = static_cast<unsigned>(text[22] - '0');
  if (hour > 23 || minute > 59 || second > 59 || hundredth > 99 || rest > 9) return false;
  time = day.start + Millis{((hour * 60 + minute) * 60 + second) * 1000 + hundredth * 10 + rest};
  return true;
}

/// `domain.past_tense`: at least one dot, and something on both sides of each.
bool is_type_name(std::string_view text) {
  char before = '.';
  bool dotted = false;
  for (const char c : text) {
    if (c == '.') {
      if (before == '.') return false;
      dotted = true;
    } else if (c != '_' && (c < 'a' || c > 'z')) {
      return false;
    }
    before = c;
  }
  return dotted && before != '.';
}

bool text_member(Scanner& scan, std::string_view key, std::string_view& raw) {
  return scan.literal(key) && scan.strict(raw) && !raw.empty();
}

/// An earlier line: 1 to seq - 1, or -1 to -(seq - 1).
bool read_cause(Scanner& scan, LineShape& shape) {
  const bool back = scan.literal("-");
  uint64_t distance = 0;
  if (!scan.number(distance) || distance == 0 || distance >= shape.seq) return false;
  const auto value = static_cast<int64_t>(distance);
  shape.cause = back ? -value : value;
  return true;
}

/// The code unit of the four hex digits at `at`, or -1.
int code_unit(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  const auto [end, ec] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return ec == std::errc{} && end == text.data() + at + 4 && text[at] != '-' ? value : -1;
}

/// The escape at raw[at], a backslash; `at` moves behind it.
bool pass_escape(std::string_view raw, size_t& at) {
  if (at + 1 >= raw.size()) return false;
  const char kind = raw[at + 1];
  at += 2;
  if (kind != 'u') return std::strchr("\"\\/bfnrt", kind) != nullptr && kind != '\0';
  const int unit = code_unit(raw, at);
  at += 4;
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return false;
  if (unit < 0xd800 || unit > 0xdbff) return true;
  if (raw.substr(at, 2) != "\\u") return false;
  const int low = code_unit(raw, at + 2);
  at += 6;
  return low >= 0xdc00 && low <= 0xdfff;
}

/// One JSON value, read without recursion into anything but itself.
class StrictJson {
public:
  explicit StrictJson(std::string_view text) : text_(text) {}
  /// 0: there is no value.
  size_t size(int depth) { return value(depth) ? at_ : 0; }

private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    at_++;
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool value(int depth) {
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }
  bool object(int depth) {
    if (depth == 0) return false;
    at_++;
    if (take('}')) return true;
    do {
      if (!string() || !take(':') || !value(depth - 1)) return false;
    } while (take(','));
    return take('}');
  }
  bool array(int depth) {
    if (depth == 0) return false;
    at_++;
    if (take(']')) return true;
    do {
      if (!value(depth - 1)) return false;
    } while (take(','));
    return take(']');
  }
  bool string() {
    Scanner scan{text_.substr(at_)};
    std::string_view raw;
    if (!scan.strict(raw)) return false;
    at_ += raw.size() + 2;
    return true;
  }
  size_t digits() {
    const auto from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) at_++;
    return at_ - from;
  }
  bool number() {
    const auto from = at_;
    take('-');
    const auto first = at_;
    const auto whole = digits();
    if (whole == 0 || (whole > 1 && text_[first] == '0')) return false;
    if (take('.') && digits() == 0) return false;
    const bool power = take('e') || take('E');
    if (power) {
      if (!take('+')) take('-');
      if (digits() == 0) return false;
    }
    if (!power && whole < 300) return true;
    return std::isfinite(std::strtod(std::string(text_.substr(from, at_ - from)).c_str(), nullptr));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

bool is_strict_string(std::string_view raw) {
  bool ascii = true;
  size_t i = plain_size(raw);
  while (i < raw.size()) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c < 0x20 || c == '"') return false;
    if (c == '\\') {
      if (!pass_escape(raw, i)) return false;
      continue;
    }
    ascii = ascii && c < 0x80;
    i++;
  }
  return ascii || is_utf8(raw);
}

size_t plain_size(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8)
    if (const auto marked = specials(text.data() + i))
      return i + static_cast<size_t>(std::countr_zero(marked)) / 8;
  const auto plain = [](uint8_t c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };
  while (i < text.size() && plain(static_cast<uint8_t>(text[i]))) i++;
  return i;
}

size_t strict_json_size(std::string_view text, int depth) {
  return StrictJson{text}.size(depth);
}

bool is_strict_json(std::string_view text, int depth) {
  return !text.empty() && strict_json_size(text, depth) == text.size();
}

const char* split_line(std::string_view line, LineShape& shape) {
  if (line.size() >= kMaxLine) return "longer than 8 MiB";
  Scanner scan{line};
  if (!scan.literal("{\"seq\":") || !scan.number(shape.seq) || shape.seq == 0) return "no seq";
  if (!scan.literal(",\"prev\":") || !scan.quoted(shape.prev) || shape.prev.size() != 64 ||
      !is_lower_hex(shape.prev))
    return "no prev";
  if (!scan.literal(",\"time\":") || !scan.quoted(shape.time) || !read_time(shape.time, shape.at))
    return "no time";
  if (!scan.literal(",\"epoch\":") || !scan.number(shape.epoch)) return "no epoch";
  if (!text_member(scan, ",\"node\":", shape.node)) return "no node";
  if (!text_member(scan, ",\"actor\":", shape.actor)) return "no actor";
  shape.request = {};
  if (scan.rest().starts_with(",\"request\":") && !text_member(scan, ",\"request\":", shape.request))
    return "no request";
  shape.cause.reset();
  if (scan.literal(",\"cause\":") && !read_cause(scan, shape)) return "cause names no earlier line";
  if (!scan.literal(",\"type\":") || !scan.quoted(shape.type) || !is_type_name(shape.type)) return "no type";
  if (!text_member(scan, ",\"stream\":", shape.stream)) return "no stream";
  if (!scan.literal(",\"data\":")) return "no data";
  shape.data = scan.rest();
  if (shape.data.size() < 3 || shape.data.front() != '{' || !shape.data.ends_with("}}"))
    return "data does not close";
  shape.data.remove_suffix(1);
  return nullptr;
}

const char* check_line(std::string_view line, LineShape& shape) {
  if (const char* wrong = split_line(line, shape)) return wrong;
  return is_strict_json(shape.data, kMaxLineDepth - 1) ? nullptr : "data is not strict JSON";
}

}  // namespace muster
