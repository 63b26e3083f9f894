// What a node's settings say of its edge.
#pragma once

#include <string>

#include "app/config/config.hpp"
#include "http/api.hpp"

namespace muster::app {

/// As far as settings alone say it; credentials and what stands behind the edge come later.
[[nodiscard]] http::ApiOptions api_options(const config::Config& config, const std::string& data);

/// With --require-containers, or called `flwd`, a node serves only where Podman or Docker is (jobs contract,
/// section 8). Error: `container.runtime.unavailable`.
Status check_containers(const config::Config& config);

}  // namespace muster::app
