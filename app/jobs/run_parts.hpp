// What a run is made of, whether a command line runs it or a node that serves.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/run_execution.hpp"
#include "adapters/run_making.hpp"
#include "app/jobs/job_choice.hpp"
#include "domain/runs.hpp"

namespace muster::app {

/// `run-<nanoseconds since 1970>`; two calls of one process never give the same.
[[nodiscard]] std::string new_run_id();

/// Where runs of this data folder keep what no disk may see; it is made. Errors: as memory_folder().
Result<std::string> run_memory(const std::string& data);

/// How a run was asked for beside its arguments.
struct Asked {
  std::optional<jobs::OnError> on_error;
  bool strict = true, dry = false;
};

/// As `invoked_with` of a run's provenance has it: what differs from what is so when nothing is said.
[[nodiscard]] Json invoked_with(const Asked& asked);
/// Of a run's provenance, a JSON text.
[[nodiscard]] Asked asked_of(const std::string& provenance);

/// The policy's decisions as they are recorded; of what, and under which profile, is not said yet.
[[nodiscard]] std::vector<runs::PolicyDecided> recorded(const std::vector<jobs::Decision>& decisions);

/// A judged job that is to be run; all of it outlives this.
struct RunAsk {
  const JobChoice& choice;
  const jobs::Preparation& prepared;
  const jobs::Arguments& arguments;
  const jobs::Environment& host;  ///< Of this program.
  Asked asked{};
  bool keep_profile = false;  ///< As RunParts'.
  std::optional<jobs::Runtime> runtime = container_runtime();
};

/// What is to be recorded of a run that `node` is to carry out; the limits are not set.
[[nodiscard]] runs::Submit submission(const std::string& run, const std::string& node, const RunAsk& ask);

/// Members of every event of the run's stream (contract of jobs, section 7).
[[nodiscard]] StringMap stream_members(const runs::Accepted& run);

/// The decisions of the policy as the first events of the run's stream.
[[nodiscard]] std::vector<std::string> stream_notes(const runs::Submit& submit, Time now);

/// Takes back what was made for a run that is not to be.
void unmake(const RunOrder& order, const Cgroups& groups);

/// A fact without its node, source and number, which whoever keeps it fills in.
using TellFact = std::function<void(runs::Told)>;

/// What an execution tells becomes facts of `run`; `then` follows the last one.
[[nodiscard]] ExecutionHooks telling(const std::string& run, TellFact tell, const Cgroups& groups,
                                     std::function<void(const RunOutcome&)> then);

/// This program's environment, but for what is not UTF-8.
[[nodiscard]] jobs::Environment whole_environment();

/// The end of a run that never began here.
[[nodiscard]] runs::Finished ended(const std::string& run, const std::string& status, std::string_view error,
                                   Time now);
/// The end of a run of which nothing is left on its node.
[[nodiscard]] runs::Finished lost(const std::string& run, Time now);

}  // namespace muster::app
