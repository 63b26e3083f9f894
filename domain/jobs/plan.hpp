// The plan of a job as POST /plans answers it and muster :plan shows it: what would run, and what the policy
// says.
#pragma once

#include <string>

#include "base/json.hpp"
#include "domain/jobs/aliases.hpp"
#include "domain/jobs/preparation.hpp"

namespace muster::jobs {

/// How the job was asked for.
struct Invocation {
  std::string path;                      ///< The folder of its files, as ids are derived from it.
  const Alias* alias = nullptr;          ///< When it was one.
  const Arguments* arguments = nullptr;  ///< Bound; null: none were, and no values are shown.
  std::string source;  ///< Whose tree the job, and its alias, are of; empty: the node's own.
};

/// An argument as listings show it; what was not said is not there.
[[nodiscard]] Json to_json(const Arg& arg);

/// Members, of which the optional ones are there when there is something to say: `job_id`,
/// `effective_argspec{args[]}`, `executor_preview{interpreter, executor, container_image?, composition?}`,
/// `resolved_args?`, `security_profile`, `provenance{canonical_id, canonical_path, overrides?, invoked_path?,
/// alias?}`, `policy_findings?[{code, level, message}]`, `denied?{code, detail}`, `steps?[{id, name,
/// executor, needs?, container_image?, network, rootfs_writable, capabilities?, resources?}]` (contract,
/// section 9).
[[nodiscard]] Json plan_of(const Job& job, const Preparation& prepared, const Invocation& invocation);

}  // namespace muster::jobs
