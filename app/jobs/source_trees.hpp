// Where the jobs of a source are on this machine.
#pragma once

#include <string>

#include "base/json.hpp"
#include "projections/catalog.hpp"

namespace muster::app {

struct SourceTree {
  std::string root;  ///< The folder of its jobs.
  std::string ref;   ///< What its ref was pinned to; empty: of the node's own tree.
  Json provenance;   ///< As a run records it; null: of the node's own tree.
};

/// Empty `name`: the node's own tree. Errors: `not.found`, `source.not.materialized`.
Result<SourceTree> tree_of(const ViewSet& views, const std::string& name, const std::string& scripts_root,
                           const std::string& data);

}  // namespace muster::app
