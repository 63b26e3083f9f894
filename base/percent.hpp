// Percent-encoding (RFC 3986, section 2).
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// Letters, digits, '-', '.', '_', '~' and those of `kept` stay; every other byte becomes %XX.
[[nodiscard]] inline std::string percent_encoded(std::string_view text, std::string_view kept = {}) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool stays = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || kept.find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    if (stays)
      encoded += c;
    else
      ((encoded += '%') += kHex[byte >> 4U]) += kHex[byte & 15U];
  }
  return encoded;
}

}  // namespace muster
