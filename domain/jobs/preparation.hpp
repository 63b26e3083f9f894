// What a run of a job would be: its steps, and what the policy makes of each. A plan shows it, a run is made
// of it.
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::jobs {

struct PreparedStep {
  Step step;
  std::optional<Container> container;  ///< Merged.
  Wanted wanted;
  Judgement judgement;
};

struct Preparation {
  Profile profile = Profile::secure;
  bool in_containers = false;
  bool stepped = false;    ///< The job has steps of its own; else each of its scripts is one.
  uint64_t timeout_s = 0;  ///< Of the whole run; 0: none.
  std::vector<PreparedStep> steps;

  /// What was decided about all steps; what is decided about several alike is there once.
  [[nodiscard]] std::vector<Decision> decisions() const;
  /// A step job's are prefixed `step i: `.
  [[nodiscard]] std::vector<Finding> findings() const;
  /// The first denial there is.
  [[nodiscard]] std::optional<Error> denial() const;
  /// A process under `secure` never goes without a limit: what its job does not limit has these seconds.
  void limit_time(uint64_t otherwise);
};

/// `files` are the plain files in the job's folder. What the policy denies is in the judgements, and no
/// error. Errors: `E_CONFIG`, `E_POLICY` of check_steps, check_steps_to_run and wanted_of; `E_CONFIG` when
/// more is to be decided than a run may hold.
Result<Preparation> prepare(const Job& job, const std::vector<std::string>& files, const Bundle& bundle,
                            Profile profile);

}  // namespace muster::jobs
