// What a run's course is made of: its order as a schedule, its files in memory, and what an exit status
// means.
#pragma once

#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "adapters/run_execution.hpp"
#include "domain/jobs/job.hpp"

namespace muster {

/// The steps as a schedule wants them.
[[nodiscard]] std::vector<jobs::Step> needs_of(const RunOrder& order);
[[nodiscard]] jobs::ErrorHandling handling_of(const RunOrder& order);

/// How a run ended whose first failed step is `failed`; its output is not said.
[[nodiscard]] RunOutcome outcome_of(const RunProgress& progress, const StepOutcome& failed, bool any_failed);

/// A shell's status above 128 stands for a signal.
[[nodiscard]] StepOutcome outcome_of(const ScriptEnd& end);

/// With all that is in it; what is not there is removed.
void remove_folder(const std::string& folder);

/// Makes its two folders, for this user alone. Error: `internal`.
Status make_folders(const RunOrder& order);

/// The members of an event of the run's stream; without `step` it is about the whole run.
[[nodiscard]] std::string event_text(const RunOrder& order, Time began, const std::string& step,
                                     const Json& more);

/// Runs `lines` one after the other, each as `like` but for its words; `then` is told what went wrong first,
/// on the loop's thread or at once. A container that is gone already is what each of them wants.
void run_aside(ScriptLoop& loop, ScriptOrder like, std::vector<Words> lines,
               std::function<void(const std::string& wrong)> then, std::string wrong = {});

/// Written beside, and put in place: whoever reads it finds one or the other. Error: `internal`.
Status replace_file(const std::string& path, const std::string& text);

template <class T>
[[nodiscard]] std::optional<T> read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto value = from_json_text<T>(text);
  return value ? std::optional<T>{std::move(*value)} : std::nullopt;
}

}  // namespace muster
