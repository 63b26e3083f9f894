// What a job's configuration asks the policy for.
#include "domain/jobs/policy.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr std::string_view kPrefix = "container:";

Error config(std::string detail) {
  return {"E_CONFIG", std::move(detail)};
}

}  // namespace

bool runs_in_container(const Job& job) {
  return job.executor == "container" || (job.executor.empty() && job.interpreter.starts_with(kPrefix));
}

Result<Wanted> wanted_of(const Job& job, const std::optional<Container>& container) {
  Wanted wanted;
  wanted.in_container = runs_in_container(job);
  wanted.env_inheritance = job.env_inheritance;
  const bool prefixed = job.interpreter.starts_with(kPrefix);
  if (prefixed) wanted.image = job.interpreter.substr(kPrefix.size());
  if (prefixed && !wanted.in_container)
    return config("the interpreter is a container's, and the executor is " + job.executor);
  if (container) {
    if (!wanted.in_container && !container->image.empty())
      return config("container.image is given, and the job runs as a process: say executor: container");
    if (!wanted.in_container && container->entrypoint && !container->entrypoint->empty())
      return config("container.entrypoint is given, and the job runs as a process");
    if (prefixed && !container->image.empty() && container->image != wanted.image)
      return config("container.image is \"" + shown(container->image) + "\", and the interpreter names \"" +
                    shown(wanted.image) + '"');
    if (!container->image.empty()) wanted.image = container->image;
    wanted.network = container->network;
    wanted.rootfs_writable = container->rootfs_writable.value_or(false);
    wanted.capabilities = container->capabilities.value_or(wanted.capabilities);
    wanted.extra_args = container->extra_args.value_or(wanted.extra_args);
    wanted.resources = container->resources.value_or(wanted.resources);
  }
  if (wanted.in_container && wanted.image.empty())
    return config(
      "the job runs in a container, and neither container.image nor the interpreter names an image");
  return wanted;
}

}  // namespace muster::jobs
