// What a command line asks to run: the job, judged, and where its scripts are.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "adapters/job_files.hpp"
#include "app/config/config.hpp"
#include "app/jobs/node_policy.hpp"
#include "domain/jobs/preparation.hpp"

namespace muster::app {

struct AddonChoice;

struct JobChoice {
  std::shared_ptr<const JobListing> listing;  ///< Owns the job,
  std::shared_ptr<const AddonChoice> addon;  ///< or this does: then an image brings it, and there is no tree.
  const jobs::Job* job = nullptr;
  const jobs::Alias* alias = nullptr;
  size_t words = 0;                ///< How many of the words named it; the others are its arguments.
  std::string root;                ///< Of the tree, absolute, without symbolic links.
  std::string source, source_ref;  ///< Where the tree is from, and the pinned ref; empty: the default root.
  Json provenance;                 ///< Of the source, as a run records it; null: of none.
};

/// By the words of its folders, else by the first word as an id or an alias. Errors: `config.invalid` for a
/// root that is none; `job.unknown`, `alias.*`.
Result<JobChoice> choose_job(const config::Config& config, std::span<const std::string> words);

/// FLWD_POLICY_FILE, else ./flwd.policy.yaml where it is there; empty: there is no bundle.
[[nodiscard]] std::string policy_file(const config::Environment& environment);

/// What that file says. Error: `E_POLICY`.
Result<jobs::Bundle> policy_bundle(const config::Environment& environment);

/// The job as this machine would run it now; nobody has looked at signatures of images. Errors: `E_POLICY`,
/// `E_CONFIG`.
Result<jobs::Preparation> prepare_job(const JobChoice& choice, const NodePolicy& policy,
                                      jobs::Profile profile);

struct JudgedHere {
  jobs::Preparation prepared;
  Json trust = Json::object();  ///< What a plan tells of the images: see add_trust().
};

/// The job as a command line on this machine would run it: judged, its images included. Errors: as
/// node_policy() and prepare_job().
Result<JudgedHere> judge_here(const JobChoice& choice, const config::Config& config,
                              const config::Environment& environment, const std::string& requested);

}  // namespace muster::app
