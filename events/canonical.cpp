// The pieces of canonical text that take more than a comparison.
#include "events/canonical.hpp"

#include "events/line_shape.hpp"

namespace muster {

bool CanonicalReader::plain(std::string_view& text) {
  if (at_ == end_ || *at_ != '"') return false;
  const char* to = at_ + 1 + plain_size({at_ + 1, static_cast<size_t>(end_ - at_ - 1)});
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
  const auto text = rest.substr(0, strict_json_size(rest, kMaxJsonDepth));
  if (text.empty()) return false;
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
