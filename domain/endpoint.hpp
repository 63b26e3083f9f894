// Which server a component is on, as a mark: what was added on one server is never looked for on another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::environment {

/// Where a server is, without credentials.
struct Endpoint {
  std::string scheme, host;  ///< An IPv6 address without its brackets.
  uint16_t port = 0;
  std::string within{};  ///< A path, or a vhost.
};

/// Of an http or https URL in which names::url_fault finds nothing.
[[nodiscard]] Endpoint endpoint_of(std::string_view url);

/// A short hash, the same however one endpoint is written. A loopback address is another server on each
/// `machine`.
[[nodiscard]] std::string mark_of(const Endpoint& endpoint, std::string_view machine);

/// Characters of a mark.
constexpr size_t kMark = 16;

}  // namespace muster::environment
