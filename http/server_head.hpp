// The head of one request: read by Beast, checked, its target decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "http/message.hpp"

namespace muster::http {

/// Views into the text that was parsed and into `decoded`. Reused from request to request, so that reading
/// one allocates nothing.
struct Head {
  Method method = Method::other;
  std::string_view method_name;
  std::string_view path, query;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  uint64_t content_length = 0;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool http10 = false;
  std::string decoded;  ///< Holds `path` when it had escapes.
};

/// Where the first head in `text` ends, npos while it is not whole. `from`: what was looked through before.
[[nodiscard]] size_t head_end(std::string_view text, size_t from);

/// True when `text` cannot become a head, whatever follows: not to be waited for.
[[nodiscard]] bool hopeless_head(std::string_view text);

/// Parses one whole head, with its empty line. Error: `bad.request`.
[[nodiscard]] std::optional<Error> parse_head(std::string_view text, Head& into);

}  // namespace muster::http
