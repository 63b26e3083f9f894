// One run of a job on an embedded node: recorded, carried out, shown.
#pragma once

#include <functional>
#include <string>

#include "adapters/run_execution.hpp"
#include "app/jobs/embedded.hpp"
#include "app/jobs/job_choice.hpp"
#include "app/jobs/run_parts.hpp"

namespace muster::app {

struct JobRunOptions {
  std::string actor;  ///< Who asks.
  jobs::Environment host;
  Asked asked;
  bool keep_profile = false;  ///< As RunParts'.
};

/// Sees the run's stream as it grows, on the caller's thread.
struct ShowRun {
  std::function<void(const JournalEntry&)> entry;
  std::function<void()> tick;  ///< About once a second.
};

/// Runs until the run has ended; SIGINT and SIGTERM, which the caller has blocked, cancel it. Meanwhile this
/// node's other runs go on as they would on a node that serves: see RunSide. Errors: what the
/// policy denied, which is on record; `capability.missing`, `container.runtime.unavailable`, `rate.limited`,
/// and the log's own.
Result<RunOutcome> run_job(Embedded& node, const JobChoice& choice, const jobs::Preparation& prepared,
                           const jobs::Arguments& arguments, const JobRunOptions& options,
                           const ShowRun& show);

}  // namespace muster::app
