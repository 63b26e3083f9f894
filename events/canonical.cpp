// The pieces of canonical text that take more than a comparison.
#include "events/canonical.hpp"

#include <array>

#include "events/line_shape.hpp"

namespace muster {
namespace {

/// Bytes that stand for themselves inside a string.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; c++) plain[c] = c != '"' && c != '\\';
  return plain;
}();

/// Where the JSON value at the beginning of `text` ends, if it is one.
size_t value_size(std::string_view text) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return i;  // Of what the value stands in.
      depth--;
    } else if (c == ',' && depth == 0) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

bool CanonicalReader::plain(std::string_view& text) {
  if (at_ == end_ || *at_ != '"') return false;
  const char* to = at_ + 1;
  while (to != end_ && kPlain[static_cast<uint8_t>(*to)]) to++;
  if (to == end_ || *to != '"') return false;
  text = {at_ + 1, static_cast<size_t>(to - at_ - 1)};
  at_ = to + 1;
  return true;
}

bool CanonicalReader::take(Time& value) {
  std::string_view text;
  if (!plain(text)) return false;
  const auto time = parse_rfc3339(text);
  if (time) value = *time;
  return time.has_value();
}

bool CanonicalReader::take(RawJson& value) {
  const std::string_view rest{at_, static_cast<size_t>(end_ - at_)};
  const auto text = rest.substr(0, value_size(rest));
  if (!is_strict_json(text, kMaxJsonDepth)) return false;
  value.text = text;
  at_ += text.size();
  return true;
}

bool CanonicalReader::take(StringMap& value) {
  value.clear();
  if (!next('{')) return false;
  if (next('}')) return true;
  value.reserve(4);
  do {
    std::string_view key, text;
    if (!plain(key) || !next(':') || !plain(text)) return false;
    if (!value.empty() && value.rbegin()->first >= key) return false;  // Not as a map is written.
    value.emplace_hint(value.end(), key, text);
  } while (next(','));
  return next('}');
}

}  // namespace muster
