// Steps, merged and judged.
#include "domain/jobs/preparation.hpp"

#include <algorithm>
#include <set>

#include "domain/jobs/steps.hpp"
#include "domain/run_limits.hpp"

namespace muster::jobs {

std::vector<Decision> Preparation::decisions() const {
  std::vector<Decision> all;
  for (const auto& step : steps)
    for (const auto& one : step.judgement.decisions)
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  return all;
}

std::vector<Finding> Preparation::findings() const {
  std::vector<Finding> all;
  // Of a job without steps there is one judgement, whichever of its scripts it is about.
  for (size_t i = 0; i < (stepped ? steps.size() : std::min<size_t>(steps.size(), 1)); i++)
    for (auto finding : steps[i].judgement.findings) {
      if (stepped) finding.message.insert(0, "step " + std::to_string(i) + ": ");
      all.push_back(std::move(finding));
    }
  return all;
}

std::optional<Error> Preparation::denial() const {
  for (const auto& one : steps)
    if (!one.judgement.allowed()) return one.judgement.denials.front();
  return std::nullopt;
}

void Preparation::limit_time(uint64_t otherwise) {
  if (timeout_s == 0 && profile == Profile::secure && !in_containers) timeout_s = otherwise;
}

Result<Preparation> prepare(const Job& job, const std::vector<std::string>& files, const Bundle& bundle,
                            Profile profile) {
  if (auto checked = check_steps(job); !checked) return checked.error();
  Preparation prepared;
  prepared.profile = profile;
  prepared.stepped = job.stepped;
  prepared.timeout_s = job.timeout_s;
  prepared.in_containers = runs_in_container(job);
  auto steps = steps_to_run(job, files);
  if (auto checked = check_steps_to_run(steps); !checked) return checked.error();
  std::set<std::string> images;  // Their signatures are decided about later.
  for (auto& step : steps) {
    auto container = step_container(job, step);
    auto wanted = wanted_of(job, container);
    if (!wanted) return wanted.error();
    auto judgement = judge(bundle, profile, *wanted);
    if (judgement.settings.verify != Verify::disabled) images.insert(judgement.settings.image);
    prepared.steps.push_back(
      {std::move(step), std::move(container), std::move(*wanted), std::move(judgement)});
  }
  if (prepared.decisions().size() + images.size() > runs::kMaxPolicies)
    return Error{"E_CONFIG",
                 "steps: the policy has more than " + std::to_string(runs::kMaxPolicies) +
                   " different things to decide about them",
                 {}};
  return prepared;
}

}  // namespace muster::jobs
