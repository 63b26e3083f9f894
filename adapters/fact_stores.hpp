// Facts in the node's `local` column, or in a folder where there is no log.
#pragma once

#include <memory>
#include <string>

#include "adapters/ports/fact_store.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// Of a node with a log. `disk` outlives it.
[[nodiscard]] std::unique_ptr<FactStore> make_disk_facts(log::Disk& disk);

/// Of a runner: one file a fact in `folder`. Error: `internal` with the reason.
Result<std::unique_ptr<FactStore>> make_folder_facts(const std::string& folder);

}  // namespace muster
