// :audit verify, whether anybody edited the log: offline, on a data folder or an exported file.
#pragma once

#include <memory>
#include <string>

#include "app/cli/verb.hpp"
#include "events/log/disk.hpp"

namespace muster::cli {

/// Exit status 0 when the log is good, 1 when it is not.
Outcome verify_log(Call& call);

/// The store in a data folder, opened for reading only: also beside a running node. Error: `usage` when there
/// is none, `log.unwritable` when it cannot be read.
Result<std::unique_ptr<log::Disk>> open_data(const std::string& folder);

}  // namespace muster::cli
