// What commands about runs may hold.
#pragma once

#include "domain/names.hpp"
#include "domain/runs.hpp"

namespace muster::runs {

/// Error: `field.invalid` with every fault.
Status check(const Submit& command);
Status check(const Report& command);
Status check(const Cancel& command);
Status check(const Judge& command);

}  // namespace muster::runs
