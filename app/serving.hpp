// What a node that serves leaves in its data folder, so that command lines on the same machine find it.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

namespace muster::app {

/// Writes `<data>/serving.json`: where this process is asked. Error: `internal`.
Status tell_serving(const std::string& data, const std::string& url);
void end_serving(const std::string& data);

/// The URL of the node that serves the folder now. Nothing: there is none, or its process has ended.
[[nodiscard]] std::optional<std::string> serving_url(const std::string& data);

}  // namespace muster::app
