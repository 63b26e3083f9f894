// The folder that a node keeps everything in, and the name that it goes by.
#pragma once

#include <string>

#include "app/config/config.hpp"
#include "base/result.hpp"

namespace muster::app {

/// `<host name>-<unix nanoseconds>`, made once and kept (supervisor contract, section 10); or what the
/// configuration says.
Result<std::string> node_id(const config::Config& config, const std::string& data);

/// Makes it where it is not there; absolute. Error: `log.unwritable`.
Result<std::string> make_data_folder(const config::Config& config);

}  // namespace muster::app
