// muster :serve: a node, from its configuration to its orderly stop.
#pragma once

#include "app/config/config.hpp"

namespace muster::app {

/// Runs until SIGTERM or SIGINT. The exit status (docs/errors.md).
int serve(const config::Config& config);

}  // namespace muster::app
