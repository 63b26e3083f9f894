// Reads muster.yaml into settings as they were given. yaml-cpp stays behind it.
#pragma once

#include <string>
#include <vector>

#include "app/config/config.hpp"

namespace muster::config {

/// A flat map of scalars, `name: value`; `where` is "path:line". Error: `config.invalid` with path and line.
[[nodiscard]] Result<std::vector<Given>> read_yaml_file(const std::string& path);

/// The same from text; `path` is for messages.
[[nodiscard]] Result<std::vector<Given>> read_yaml(const std::string& text, const std::string& path);

}  // namespace muster::config
