// The node's own log: one line an entry on stderr, as text for people or as JSON for programs.
#pragma once

#include "app/config/config.hpp"

namespace muster::app {

/// Lines are gathered and written once a second, and at once from `warn` on. True when they are JSON.
bool set_up_log(const config::Config& config);

}  // namespace muster::app
