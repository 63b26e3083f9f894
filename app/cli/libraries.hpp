// What this binary is linked with.
#pragma once

#include "base/json.hpp"

namespace muster::cli {

/// Library to version: what the library itself says where it can be asked, else what it was built against.
[[nodiscard]] Json linked_libraries();

}  // namespace muster::cli
