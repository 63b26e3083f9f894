// Reading lines, digest events and named heads for the verifier.
#include "events/log/verify_reading.hpp"

#include <charconv>

#include "base/json.hpp"
#include "events/log/verify.hpp"

namespace muster::log {

Named named_by(std::string_view data, const char* key) {
  Named named;
  const auto object = Json::parse(data, nullptr, false);
  if (const auto at = object.find(key); at != object.end()) {
    if (at->is_number_unsigned() && at->get<uint64_t>() > INT64_MAX)
      named.seq = INT64_MAX;
    else if (at->is_number_integer())
      named.seq = at->get<int64_t>();
  }
  if (const auto at = object.find("head"); at != object.end() && at->is_string())
    named.hash = digest_from_hex(at->get_ref<const std::string&>());
  return named;
}

const char* parse_line(std::string_view raw, ReadLine& line) {
  if (!raw.ends_with('\n')) return "no newline at the end";
  raw.remove_suffix(1);
  if (const char* wrong = check_line(raw, line.shape)) return wrong;
  line.prev = *digest_from_hex(line.shape.prev);
  line.hash = sha256(raw);
  return nullptr;
}

std::optional<ReadLine> try_line(const std::string* raw) {
  ReadLine line;
  if (raw == nullptr || parse_line(*raw, line) != nullptr) return std::nullopt;
  return line;
}

std::optional<NamedHead> read_named_head(std::string_view text) {
  NamedHead head;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 19) return std::nullopt;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + colon, head.seq);
  if (ec != std::errc{} || end != text.data() + colon || (text[0] == '0' && colon > 1)) return std::nullopt;
  const auto hash = digest_from_hex(text.substr(colon + 1));
  if (!hash) return std::nullopt;
  head.hash = *hash;
  return head;
}

std::string to_text(const NamedHead& head) {
  return std::to_string(head.seq) + ":" + to_hex(head.hash);
}

}  // namespace muster::log
