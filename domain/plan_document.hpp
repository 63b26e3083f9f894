// The plan as a node gets it: both published shapes in one document.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/plan.hpp"

namespace muster::plan {

/// What POST /v1/nodes/plan answers from (contract, section 4).
struct DocumentInput {
  std::string node;
  std::string executor;   ///< docker, ns, exec; empty leaves it to the node.
  std::vector<App> apps;  ///< In the order of the template.
  std::string template_file;
  std::string role_hint;
  bool holds_lease = false;
  std::string control_plane_url;
  std::string gateway_url;
  std::string cluster;  ///< Whose epoch it is; empty is left out.
  uint64_t epoch = 0;
  int ttl_seconds = kDefaultTtlSeconds;
};

/// leader when the node holds the lease; else proxy when it got the camera-proxy template or hinted proxy;
/// else worker.
[[nodiscard]] std::string role_of(const DocumentInput& input);

/// Lower-hex SHA-256 of the canonical JSON of what the node has to run: version, node, executor and the apps
/// in start order (contract, section 6). Who leads does not count: a new leader alone restarts nothing.
[[nodiscard]] std::string generation_of(const DocumentInput& input, const std::vector<App>& ordered);

/// Error: what start_order says.
Result<Json> plan_document(const DocumentInput& input);

}  // namespace muster::plan
