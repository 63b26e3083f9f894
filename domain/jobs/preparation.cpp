// Steps, merged and judged.
#include "domain/jobs/preparation.hpp"

#include "domain/jobs/steps.hpp"

namespace muster::jobs {
namespace {

/// Of a job without steps there is one judgement, whichever of its scripts it is about.
bool counts(const Preparation& prepared, size_t step, bool stepped) {
  return step < prepared.steps.size() && (stepped || step == 0);
}

std::string prefix(size_t step, bool stepped) {
  return stepped ? "step " + std::to_string(step) + ": " : "";
}

bool is_stepped(const Preparation& prepared) {
  return !prepared.steps.empty() && prepared.steps.front().step.script != prepared.steps.front().step.id;
}

}  // namespace

std::vector<Decision> Preparation::decisions() const {
  std::vector<Decision> all;
  const bool stepped = is_stepped(*this);
  for (size_t i = 0; counts(*this, i, stepped); i++)
    for (const auto& decision : steps[i].judgement.decisions) all.push_back(decision);
  return all;
}

std::vector<Finding> Preparation::findings() const {
  std::vector<Finding> all;
  const bool stepped = is_stepped(*this);
  for (size_t i = 0; counts(*this, i, stepped); i++)
    for (auto finding : steps[i].judgement.findings) {
      finding.message.insert(0, prefix(i, stepped));
      all.push_back(std::move(finding));
    }
  return all;
}

std::optional<Error> Preparation::denial() const {
  for (const auto& one : steps)
    if (!one.judgement.allowed()) return one.judgement.denials.front();
  return std::nullopt;
}

Result<Preparation> prepare(const Job& job, const std::vector<std::string>& files, const Bundle& bundle,
                            Profile profile) {
  if (auto checked = check_steps(job); !checked) return checked.error();
  Preparation prepared;
  prepared.profile = profile;
  prepared.in_containers = runs_in_container(job);
  for (auto& step : steps_to_run(job, files)) {
    auto container = step_container(job, step);
    auto wanted = wanted_of(job, container);
    if (!wanted) return wanted.error();
    auto judgement = judge(bundle, profile, *wanted);
    prepared.steps.push_back(
      {std::move(step), std::move(container), std::move(*wanted), std::move(judgement)});
  }
  return prepared;
}

}  // namespace muster::jobs
