// Finding a job, its policy and its scripts on this machine.
#include "app/jobs/job_choice.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/jobs/addon_jobs.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> plain_files(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file(error)) names.push_back(entry.path().filename().string());
  return names;
}

}  // namespace

Result<JobChoice> choose_job(const config::Config& config, std::span<const std::string> words) {
  const auto& root = config.text("scripts-root");
  auto listing = JobFiles(root).read();
  if (!listing) return listing.error();
  JobChoice choice;
  choice.listing = *listing;
  std::error_code error;
  choice.root = fs::canonical(root, error);
  const auto& tree = choice.listing->tree;
  if (const auto match = tree.command(words); match.job) {
    choice.job = match.job;
    choice.words = match.words;
    return choice;
  }
  auto named = jobs::find_job(tree, choice.listing->aliases, words.empty() ? std::string{} : words.front());
  if (!named) return named.error();
  choice.job = named->job;
  choice.alias = named->alias;
  choice.words = 1;
  return choice;
}

std::string policy_file(const config::Environment& environment) {
  auto file = environment("FLWD_POLICY_FILE").value_or("");
  std::error_code error;
  if (file.empty() && fs::exists("flwd.policy.yaml", error)) file = "flwd.policy.yaml";
  return file;
}

Result<jobs::Bundle> policy_bundle(const config::Environment& environment) {
  const auto file = policy_file(environment);
  if (file.empty()) return jobs::Bundle{};
  std::ifstream in{file, std::ios::binary};
  if (!in) return Error{"E_POLICY", file + " cannot be read", {}};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return jobs::parse_bundle(text, file);
}

Result<jobs::Preparation> prepare_job(const JobChoice& choice, const NodePolicy& policy,
                                      jobs::Profile profile) {
  const auto files =
    choice.addon ? std::vector<std::string>{} : plain_files(choice.root + "/" + choice.job->folder);
  auto prepared = jobs::prepare(*choice.job, files, policy.bundle, profile);
  if (!prepared) return prepared.error();
  prepared->limit_time(policy.secure_timeout_s);
  if (choice.addon)
    prepared->stepped = false;  // Its one step is the job itself.
  else if (auto scripts = job_scripts(choice.root, *choice.job); !scripts)
    return scripts.error();
  return prepared;
}

Result<JudgedHere> judge_here(const JobChoice& choice, const config::Config& config,
                              const config::Environment& environment, const std::string& requested) {
  const auto policy = node_policy(config, environment, requested);
  if (!policy) return policy.error();
  auto prepared = prepare_job(choice, *policy, policy->profile);
  if (!prepared) return prepared.error();
  JudgedHere judged{std::move(*prepared)};
  if (judged.prepared.in_containers)
    judged.trust = judge_images(judged.prepared, choice.addon.get(), policy->signer);
  return judged;
}

}  // namespace muster::app
