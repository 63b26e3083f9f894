// Steps, merged and judged.
#include "domain/jobs/preparation.hpp"

#include <algorithm>

#include "domain/jobs/steps.hpp"

namespace muster::jobs {

/// Of a job without steps there is one judgement, whichever of its scripts it is about.
std::span<const PreparedStep> Preparation::judged() const {
  return std::span{steps}.first(stepped ? steps.size() : std::min<size_t>(steps.size(), 1));
}

std::vector<Decision> Preparation::decisions() const {
  std::vector<Decision> all;
  for (const auto& one : judged())
    all.insert(all.end(), one.judgement.decisions.begin(), one.judgement.decisions.end());
  return all;
}

std::vector<Finding> Preparation::findings() const {
  std::vector<Finding> all;
  for (size_t i = 0; i < judged().size(); i++)
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

Result<Preparation> prepare(const Job& job, const std::vector<std::string>& files, const Bundle& bundle,
                            Profile profile) {
  if (auto checked = check_steps(job); !checked) return checked.error();
  Preparation prepared;
  prepared.profile = profile;
  prepared.stepped = job.stepped;
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
