// A job as a command: muster demo --name alice.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/verb.hpp"

namespace muster::cli {

/// Runs the job that the words name, embedded; settings may stand before them. Nothing when there is no such
/// job.
[[nodiscard]] std::optional<Outcome> run_named_job(const std::vector<std::string>& arguments, const Io& io);

}  // namespace muster::cli
