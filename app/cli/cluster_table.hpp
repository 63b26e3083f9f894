// The members of a cluster as a table.
#pragma once

#include "app/cli/verb.hpp"

namespace muster::cli {

/// What GET /v1/cluster answers, for people: who is there, who leads, who sees whom.
void print_cluster(std::ostream& out, const Json& cluster, const Terminal& terminal, Time now);

}  // namespace muster::cli
