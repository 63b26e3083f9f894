// Checking steps and finding their order.
#include "domain/jobs/steps.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>

#include "domain/jobs/typed_words.hpp"
#include "domain/names.hpp"
#include "domain/run_limits.hpp"
#include "events/fields.hpp"

namespace muster::jobs {
namespace {

/// Collects faults; the first gives the error its code and its detail.
class Faults {
public:
  void job(std::string_view code, const std::string& message) { add(code, "", message, message); }
  void step(size_t i, std::string_view code, const std::string& message) {
    const auto at = std::to_string(i);
    add(code, "/steps/" + at, message, "steps[" + at + "]: " + message);
  }

  [[nodiscard]] Status done() const {
    if (error_.fields.empty()) return Done{};
    return error_;
  }
  [[nodiscard]] bool none() const { return error_.fields.empty(); }

private:
  void add(std::string_view code, std::string pointer, const std::string& message,
           const std::string& detail) {
    if (error_.fields.empty()) error_ = {std::string(code), detail};
    if (error_.fields.size() < kMaxFieldErrors) error_.fields.push_back({std::move(pointer), message});
  }

  Error error_;
};

std::string too_many() {
  return "steps: more than " + std::to_string(runs::kMaxSteps) + " of them";
}

void check_job(const Job& job, Faults& faults) {
  if (job.steps.size() > runs::kMaxSteps) faults.job("E_CONFIG", too_many());
  if (job.interpreter.starts_with("container:"))
    faults.job("E_CONFIG", "interpreter must not be container: in a job with steps");
  if (job.executor.empty())
    faults.job("E_CONFIG", "executor is required in a job with steps: proc or container");
  else if (job.executor != "proc" && job.executor != "container")
    faults.job("E_CONFIG", "executor " + shown_word(job.executor) + " is neither proc nor container");
}

/// True when following `script` from `folder` stays below the source's root.
bool stays_inside(std::string_view folder, std::string_view script) {
  if (script.starts_with('/')) return false;
  size_t depth = 0;
  const auto path = std::string(folder) + '/' + std::string(script);
  for (size_t from = 0; from <= path.size();) {
    const auto end = std::min(path.find('/', from), path.size());
    const auto part = std::string_view(path).substr(from, end - from);
    if (part == ".." && depth-- == 0) return false;
    if (part != ".." && part != "." && !part.empty()) depth++;
    from = end + 1;
  }
  return depth > 0;
}

void check_step(const Job& job, size_t i, Faults& faults) {
  const auto& step = job.steps[i];
  if (step.script.empty())
    faults.step(i, "E_CONFIG", "script is required");
  else if (step.script.find('\0') != std::string::npos || !stays_inside(job.folder, step.script))
    faults.step(i, "E_CONFIG", "script " + shown_word(step.script) + " is outside the job's source");
  if (!step.executor.empty()) faults.step(i, "E_POLICY", "mixed executors not allowed");
  if (job.executor == "proc" && step.container)
    faults.step(i, "E_CONFIG", "container settings need executor container");
  const auto container = step_container(job, step);
  if (job.executor == "container" && (!container || container->image.empty()))
    faults.step(i, "E_CONFIG", "container.image is required on the step or the job");
}

std::map<std::string_view, size_t> places(const std::vector<Step>& steps) {
  std::map<std::string_view, size_t> of;
  for (size_t i = 0; i < steps.size(); i++) of.emplace(steps[i].id, i);
  return of;
}

struct Graph {
  std::vector<std::vector<size_t>> needs, needed_by;
};

Graph graph_of(const std::vector<Step>& steps) {
  Graph graph{std::vector<std::vector<size_t>>(steps.size()), std::vector<std::vector<size_t>>(steps.size())};
  const auto of = places(steps);
  for (size_t i = 0; i < steps.size(); i++) {
    std::set<size_t> once;
    for (const auto& need : steps[i].needs)
      if (const auto at = of.find(need); at != of.end() && once.insert(at->second).second) {
        graph.needs[i].push_back(at->second);
        graph.needed_by[at->second].push_back(i);
      }
  }
  return graph;
}

/// `a -> b -> a`, walking from a step that never became free to one of its needs that did not either.
std::string cycle_in(const std::vector<Step>& steps, const Graph& graph, const std::vector<size_t>& missing) {
  size_t at = 0;
  while (missing[at] == 0) at++;
  std::vector<size_t> path;
  while (std::find(path.begin(), path.end(), at) == path.end()) {
    path.push_back(at);
    const auto& needs = graph.needs[at];
    at = *std::find_if(needs.begin(), needs.end(), [&](size_t need) { return missing[need] > 0; });
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  path.push_back(at);
  constexpr size_t kShown = 16;
  std::string text;
  for (size_t i = 0; i < path.size() && i < kShown; i++) text += (i == 0 ? "" : " -> ") + steps[path[i]].id;
  return path.size() > kShown ? text + " -> ..." : text;
}

}  // namespace

std::vector<Step> named_steps(const std::vector<Step>& steps) {
  auto named = steps;
  for (size_t i = 0; i < named.size(); i++) {
    if (!named[i].id.empty()) continue;
    const auto number = std::to_string(i);
    named[i].id = "step-" + std::string(number.size() < 3 ? 3 - number.size() : 0, '0') + number;
  }
  return named;
}

Status check_steps(const Job& job) {
  if (!job.stepped) return Done{};
  Faults faults;
  check_job(job, faults);
  if (job.steps.size() > runs::kMaxSteps) return faults.done();
  const auto steps = named_steps(job.steps);
  const auto of = places(steps);
  for (size_t i = 0; i < steps.size(); i++) {
    if (of.at(steps[i].id) != i) faults.step(i, "E_CONFIG", "duplicate id " + shown_word(steps[i].id));
    check_step(job, i, faults);
    for (const auto& need : steps[i].needs)
      if (of.count(need) == 0) faults.step(i, "E_CONFIG", "needs the unknown step " + shown_word(need));
  }
  if (faults.none())
    if (auto order = step_order(steps); !order) return order.error();
  return faults.done();
}

Result<std::vector<size_t>> step_order(const std::vector<Step>& steps) {
  const auto graph = graph_of(steps);
  std::vector<size_t> missing, order;
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < steps.size(); i++) {
    missing.push_back(graph.needs[i].size());
    if (missing[i] == 0) ready.push(i);
  }
  while (!ready.empty()) {
    const auto next = ready.top();
    ready.pop();
    order.push_back(next);
    for (const auto other : graph.needed_by[next])
      if (--missing[other] == 0) ready.push(other);
  }
  if (order.size() == steps.size()) return order;
  const auto cycle = "need each other in a cycle: " + cycle_in(steps, graph, missing);
  return Error{"E_CONFIG", "steps " + cycle, {{"/steps", cycle}}};
}

std::vector<std::string> main_scripts(std::vector<std::string> files) {
  const auto other = [](const std::string& name) {
    return !name.starts_with("000_") && !name.starts_with("100_") && !name.starts_with("999_");
  };
  files.erase(std::remove_if(files.begin(), files.end(), other), files.end());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Step> steps_to_run(const Job& job, const std::vector<std::string>& files) {
  if (job.stepped) return named_steps(job.steps);
  std::vector<Step> steps;
  for (const auto& file : main_scripts(files)) {
    Step step;
    step.id = step.name = step.script = file;
    steps.push_back(std::move(step));
  }
  return steps;
}

Status check_steps_to_run(const std::vector<Step>& steps) {
  if (steps.size() > runs::kMaxSteps) return Error{"E_CONFIG", too_many(), {}};
  for (const auto& step : steps)
    if (const auto why = names::line_fault(step.id, runs::kMaxName); !why.empty())
      return Error{"E_CONFIG", "the script's name " + shown_word(step.id) + " " + why, {}};
  return Done{};
}

std::optional<Container> step_container(const Job& job, const Step& step) {
  if (!step.container) return job.container;
  auto merged = job.container.value_or(Container{});
  const auto& over = *step.container;
  if (!over.image.empty()) merged.image = over.image;
  if (!over.network.empty()) merged.network = over.network;
  if (over.resources) merged.resources = over.resources;
  if (over.capabilities) merged.capabilities = over.capabilities;
  if (over.extra_args) merged.extra_args = over.extra_args;
  if (over.entrypoint) merged.entrypoint = over.entrypoint;
  merged.rootfs_writable = over.rootfs_writable.value_or(false);
  return merged;
}

Schedule::Schedule(const std::vector<Step>& steps, size_t limit)
  : states_(steps.size(), State::waiting), limit_(std::max<size_t>(limit, 1)), waiting_(steps.size()) {
  auto graph = graph_of(steps);
  for (const auto& needs : graph.needs) missing_.push_back(needs.size());
  needed_by_ = std::move(graph.needed_by);
}

std::vector<size_t> Schedule::startable() const {
  std::vector<size_t> next;
  for (size_t i = 0; i < states_.size() && running_ + next.size() < limit_; i++)
    if (states_[i] == State::waiting && missing_[i] == 0) next.push_back(i);
  return next;
}

void Schedule::started(size_t step) {
  if (states_[step] != State::waiting) return;
  states_[step] = State::running;
  waiting_--;
  running_++;
}

std::vector<size_t> Schedule::ended(size_t step, bool succeeded) {
  if (states_[step] != State::waiting && states_[step] != State::running) return {};
  (states_[step] == State::running ? running_ : waiting_)--;
  states_[step] = succeeded ? State::succeeded : State::failed;
  if (!succeeded) {
    failed_ = true;
    return skip(needed_by_[step]);
  }
  for (const auto other : needed_by_[step]) missing_[other]--;
  return {};
}

std::vector<size_t> Schedule::stop() {
  std::vector<size_t> all;
  for (size_t i = 0; i < states_.size(); i++)
    if (states_[i] == State::waiting) all.push_back(i);
  return skip(std::move(all));
}

std::vector<size_t> Schedule::skip(std::vector<size_t> from) {
  std::vector<size_t> skipped;
  while (!from.empty()) {
    const auto step = from.back();
    from.pop_back();
    if (states_[step] != State::waiting) continue;
    states_[step] = State::skipped;
    waiting_--;
    skipped.push_back(step);
    from.insert(from.end(), needed_by_[step].begin(), needed_by_[step].end());
  }
  std::sort(skipped.begin(), skipped.end());
  return skipped;
}

}  // namespace muster::jobs
