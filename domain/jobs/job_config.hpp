// Reading a job's config.yaml: what it says, or every fault of it at once.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

constexpr size_t kMaxConfig = 256 * 1024;  ///< Bytes of one config.yaml.
constexpr size_t kMaxJobsOfFile = 256;     ///< Entries of `jobs`.
constexpr size_t kMaxArgs = 256;           ///< Arguments of a job.
constexpr size_t kMaxSummary = 4096;       ///< Bytes of a summary or a description.
constexpr int64_t kMaxTimeout = 30 * 86'400;
constexpr int64_t kMaxRetries = 1000;
constexpr int64_t kMaxBackoff = 86'400;
constexpr int64_t kMaxPriority = 1000;

/// The jobs of one config.yaml: `job` first, then `jobs`; all share the folder and everything else that the
/// file says. `folder` is relative to the root of the tree, with `/`; "" is the root, whose derived id is
/// `root_name`. An unknown key is ignored, so that a tree written for a newer version still loads.
/// Error: `E_CONFIG` with one field for each fault, its message naming the line.
Result<std::vector<Job>> read_job_config(std::string_view text, std::string_view folder,
                                         std::string_view root_name = "scripts");

/// The reason `id` is none, or nothing: what a name may be (domain/names.hpp), no `..` in it and no colon
/// before it.
[[nodiscard]] std::string job_id_fault(std::string_view id);

}  // namespace muster::jobs
