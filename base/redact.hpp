// Taking a secret out of what somebody else said.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace muster {

/// The first `most` bytes of the text in which every occurrence is "***", in one pass; an empty secret is
/// none. Before the text is cut or cleaned in another way: a part of a secret would not be found.
[[nodiscard]] inline std::string redacted(std::string_view text, std::string_view secret,
                                          size_t most = std::string_view::npos) {
  constexpr std::string_view kMark = "***";
  std::string out;
  while (!text.empty() && out.size() < most) {
    const auto at = secret.empty() ? std::string_view::npos : text.find(secret);
    out.append(text.substr(0, std::min(at, most - out.size())));
    if (at == std::string_view::npos) break;
    out.append(kMark);
    text.remove_prefix(at + secret.size());
  }
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace muster
