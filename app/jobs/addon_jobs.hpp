// Jobs that come in images: from a source's record and its kept manifest to a job that a container runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/signatures.hpp"
#include "app/jobs/job_choice.hpp"
#include "domain/jobs/addon_manifest.hpp"
#include "events/sources.hpp"

namespace muster::app {

/// A job of an image, and what its source says of that.
struct AddonChoice {
  jobs::Job job;
  std::vector<jobs::Tool> tools;
  std::string image;             ///< Pinned to the source's digest, if there is one.
  std::string digest, pull;      ///< As the source has them.
  bool signature_asked = false;  ///< The source's own `verify_signatures`.
};

/// All jobs of the image that `source` names. Errors: `source.not.materialized` when its manifest is not on
/// this machine, or is not the one that the log names; `E_ADDON_MANIFEST`.
Result<std::vector<std::shared_ptr<const AddonChoice>>> addon_jobs(const sources::Added& source,
                                                                   const std::string& data);

/// One of them, by its id in any letter case. Errors: as addon_jobs(), and `job.unknown`.
Result<JobChoice> choose_addon(const sources::Added& source, const std::string& data, const std::string& id);

/// Looks at the signature of each image that `prepared` would run, as its mode and its source want it, and
/// judges it. Returns what a plan tells of them, by image.
Json judge_images(jobs::Preparation& prepared, const AddonChoice* addon, const Signer& signer,
                  const Cancellation* cancellation = nullptr);

/// Puts that into a plan: at each step, and at the plan itself when there is one step.
void add_trust(Json& plan, const jobs::Preparation& prepared, const Json& trust);

/// What a plan tells of an add-on beside what it tells of every job (jobs contract, sections 9 and 11).
void add_addon(Json& plan, const AddonChoice& addon);

}  // namespace muster::app
