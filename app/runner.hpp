// muster :runner: a node's own side alone, told what to run by a control plane elsewhere.
#pragma once

#include "app/config/config.hpp"

namespace muster::app {

/// Runs until SIGTERM or SIGINT; services go on. Error: `usage` when no control plane is named.
Result<int> run_node(const config::Config& config);

}  // namespace muster::app
