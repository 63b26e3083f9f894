// muster :runner: a node's own side alone, its services and its environment, told by a control plane
// elsewhere.
#pragma once

#include "app/config/config.hpp"

namespace muster::app {

/// Runs until SIGTERM or SIGINT; services go on. Error: `usage` when no control plane is named, and those of
/// EnvironmentSide and NodeSide; `log.unwritable` while another one runs on its folder.
Result<int> run_node(const config::Config& config);

}  // namespace muster::app
