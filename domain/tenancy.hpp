// How a cluster of a given size is laid out for tenants; computes, changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace muster::tenancy {

struct Request {
  std::string profile;  ///< dev, edge, prod; anything but dev asks for TLS.
  int64_t nodes = 0;
};

constexpr int64_t kMaxNodes = 1'000'000;

/// Reads the body of POST /v1/tenancy/plan; null or {} is profile "" with 0 nodes. Unknown members are
/// ignored. Error: `field.invalid`.
Result<Request> parse(const Json& body);

/// The reply (supervisor contract, section 7).
[[nodiscard]] Json plan(const Request& request);

}  // namespace muster::tenancy
