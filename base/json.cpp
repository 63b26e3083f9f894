// Checked parsing and canonical printing.
#include "base/json.hpp"

#include <array>
#include <cstring>

#include "base/utf8.hpp"

namespace muster {
namespace {

/// Why the document will not be built, or "". Strings are skipped. Cheap, and before any allocation.
std::string refusal(std::string_view text) {
  std::array<size_t, kMaxJsonDepth + 1> keys{};  // Colons seen in what is open at each depth.
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
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
      keys[depth] = 0;
    } else if (c == ']' || c == '}') {
      if (depth > 0) depth--;
    } else if (c == ':') {
      if (++keys[depth] > kMaxJsonKeys)
        return "an object with more than " + std::to_string(kMaxJsonKeys) + " keys";
    }
  }
  return {};
}

/// Where the first character is that a string writes in another form, or the size. Eight at a time.
size_t first_escaped(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x80 * kOnes;
  const auto has_zero = [](uint64_t n) { return (n - kOnes) & ~n & kHighs; };
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, 8);
    const auto control = (eight - 0x20 * kOnes) & ~eight & kHighs;
    if ((control | has_zero(eight ^ '"' * kOnes) | has_zero(eight ^ '\\' * kOnes)) != 0) break;
  }
  for (; at < text.size(); at++)
    if (static_cast<uint8_t>(text[at]) < 0x20 || text[at] == '"' || text[at] == '\\') break;
  return at;
}

Error bad_json(std::string detail) {
  return Error{"bad.json", std::move(detail), {}};
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (text.empty()) return bad_json("bad json: the body is empty");
  if (auto why = refusal(text); !why.empty()) return bad_json("bad json: " + why);
  // The parser takes a NUL for the end of its input and would pass over whatever follows.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    return bad_json("bad json at byte " + std::to_string(nul + 1));
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    return bad_json("bad json at byte " + std::to_string(e.byte));
  } catch (const nlohmann::json::exception&) {
    return bad_json("bad json: a number is out of range");
  }
}

std::string canonical_json(const Json& value) {
  return nlohmann::json(value).dump();  // nlohmann::json keeps its keys sorted.
}

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  size_t plain = 0;  // Start of the run that needs no escape.
  for (size_t i = first_escaped(text); i < text.size(); i++) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    to.append(text, plain, i - plain);
    plain = i + 1;
    if (c == '"' || c == '\\') {
      to += '\\';
      to += static_cast<char>(c);
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      to += "\\u00";
      to += kDigits[c >> 4];
      to += kDigits[c & 15];
    }
  }
  to.append(text, plain, text.size() - plain);
  to += '"';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace muster
