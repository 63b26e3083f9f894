// Taking a secret out of what somebody else said.
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// Every occurrence becomes "***"; an empty secret is none. Before the text is cut or cleaned: a part of it
/// would not be found.
[[nodiscard]] inline std::string redacted(std::string text, std::string_view secret) {
  constexpr std::string_view kMark = "***";
  if (secret.empty()) return text;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kMark.size())
    text.replace(at, secret.size(), kMark);
  return text;
}

}  // namespace muster
