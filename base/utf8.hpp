// Bytes as characters of UTF-8.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace muster {

/// Of the character that `text`, which is not empty, begins with; 0: it begins with none.
[[nodiscard]] inline size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto c = byte(0);
  if (c < 0x80) return 1;
  const size_t bytes = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4 || bytes > text.size()) return 0;
  const auto second = byte(1);
  if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
      (c == 0xf4 && second > 0x8f))
    return 0;
  for (size_t i = 1; i < bytes; i++)
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  return bytes;
}

/// The beginning of `text`, at most `most` bytes, as UTF-8 without NUL: U+FFFD stands for each byte that is
/// of no character, and no character is cut in two.
[[nodiscard]] inline std::string as_utf8(std::string_view text, size_t most) {
  constexpr std::string_view kNone = "\xef\xbf\xbd";
  std::string made;
  while (!text.empty()) {
    const auto bytes = text.front() == '\0' ? 0 : character_bytes(text);
    const auto shown = bytes == 0 ? kNone : text.substr(0, bytes);
    if (made.size() + shown.size() > most) break;
    made += shown;
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return made;
}

}  // namespace muster
