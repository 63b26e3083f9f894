// A job that runs on a node, asked for from this command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/verb.hpp"

namespace muster::cli {

/// What came of asking a node.
struct Asked {
  bool answered = true;            ///< False: it was not there, and was asked for nothing yet.
  std::optional<Outcome> outcome;  ///< Nothing: the node has no jobs at all.
};

/// Runs the job that the words name on the node at `server`, with the node's own scripts, and follows it to
/// its end. SIGINT or SIGTERM cancels it, a second one leaves it. Errors: `unreachable`, `job.unknown`,
/// `E_ARGS`, the node's own.
[[nodiscard]] Asked run_remote_job(const std::string& server, const std::vector<std::string>& words,
                                   const config::Config& config, const Io& io);

}  // namespace muster::cli
