// The steps of a run: which there are, whether they fit together, and in which order they may start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// The steps with their ids: an empty one becomes `step-000`, by its place from 0.
[[nodiscard]] std::vector<Step> named_steps(const std::vector<Step>& steps);

/// Whether a step job can run. Errors: `E_CONFIG`, or `E_POLICY` for a step
/// with an executor of its own; the detail is the first fault, `fields` has them all, under `/steps/<i>`.
Status check_steps(const Job& job);

/// Indexes so that each step comes after what it needs; of those that may come next, the one listed first.
/// Error: `E_CONFIG` naming a cycle. The steps have ids, and every need is the id of one.
Result<std::vector<size_t>> step_order(const std::vector<Step>& steps);

/// The plain files of a job's folder that run when it has no steps: `000_`, `100_`, `999_`, by name.
[[nodiscard]] std::vector<std::string> main_scripts(std::vector<std::string> files);

/// What a run of `job` does: its steps with ids, or one step for each main script among `files`, with the
/// file's name as id and name. Those run one after the other: give their Schedule a limit of 1.
[[nodiscard]] std::vector<Step> steps_to_run(const Job& job, const std::vector<std::string>& files);

/// Whether these can be a run's. Errors: `E_CONFIG` for more than runs::kMaxSteps, and for an id, such as a
/// script's name, that is not one line.
Status check_steps_to_run(const std::vector<Step>& steps);

/// The container of `step`: its settings over those of `job`. A step's block, where there is one, also says
/// whether the root is writable, if only by saying nothing.
[[nodiscard]] std::optional<Container> step_container(const Job& job, const Step& step);

/// Where every step of a run stands. It is told what started and how it ended; it says what may start.
class Schedule {
public:
  enum class State : uint8_t { waiting, running, succeeded, failed, skipped };

  /// `steps` has passed check_steps. At most `limit` run together, at least one.
  Schedule(const std::vector<Step>& steps, size_t limit);

  /// Those that may start now, in the order of their list; as many as the limit leaves room for.
  [[nodiscard]] std::vector<size_t> startable() const;

  void started(size_t step);

  /// It ended, for good: no attempt follows. Returns the steps that are skipped now, since they need it. A
  /// step that never started may end too: a run that is resumed has what succeeded before.
  std::vector<size_t> ended(size_t step, bool succeeded);

  /// Nothing more will start: an abort or a cancel. Returns those that are skipped now.
  std::vector<size_t> stop();

  [[nodiscard]] State state(size_t step) const { return states_[step]; }
  [[nodiscard]] size_t running() const { return running_; }
  [[nodiscard]] bool done() const { return running_ == 0 && waiting_ == 0; }
  [[nodiscard]] bool any_failed() const { return failed_; }

private:
  std::vector<size_t> skip(std::vector<size_t> from);

  std::vector<State> states_;
  std::vector<size_t> missing_;  ///< How many of a step's needs have not succeeded.
  std::vector<std::vector<size_t>> needed_by_;
  size_t limit_, running_ = 0, waiting_;
  bool failed_ = false;
};

}  // namespace muster::jobs
