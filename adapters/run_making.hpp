// From a judged job and its bound arguments to the order that this machine carries out.
#pragma once

#include <optional>
#include <string>

#include "adapters/cgroups.hpp"
#include "adapters/program.hpp"
#include "adapters/run_order.hpp"
#include "domain/jobs/container_command.hpp"
#include "domain/jobs/environment.hpp"
#include "domain/jobs/preparation.hpp"

namespace muster {

struct RunParts {
  std::string run;
  const jobs::Job* job = nullptr;
  const jobs::Arguments* arguments = nullptr;
  const jobs::Preparation* prepared = nullptr;
  std::string root;        ///< Of the source's scripts, absolute, without symbolic links.
  std::string data;        ///< The data folder, absolute, without symbolic links: the run's folder is in it.
  std::string memory;      ///< Where runs keep what no disk may see, absolute: see memory_folder().
  jobs::Environment host;  ///< Of this program.
  std::optional<jobs::Runtime> runtime;  ///< The container runtime that is there.
  std::optional<jobs::OnError> on_error;
  bool strict = true;
  bool dry = false;
  StringMap about;  ///< As RunOrder's.
  bool addon =
    false;  ///< The image brings the job: its program is told the job's id, and nothing of `root` is there.
  std::string pull{};         ///< `never`: the image must be here; else it is pulled when it is not.
  bool keep_profile = false;  ///< A copy of the shell profile stays in the run's folder.
};

/// A folder that is in memory, not on a disk, and of this user alone; it is made. Error: `capability.missing`
/// when there is none.
Result<std::string> memory_folder();

/// Podman, else Docker; nothing where neither is.
[[nodiscard]] std::optional<jobs::Runtime> container_runtime();

/// Removes what has the names of the order's containers. Error: `container.name.conflict` with the runtime's
/// words.
Status free_names(const RunOrder& order, const Cancellation* cancellation = nullptr);

/// Writes the profile, the secrets and the sandbox's options of each step into the run's folder in memory,
/// and says what to start. With `groups`, a process's limits are made there. Errors: `capability.missing`
/// naming what this machine lacks for the profile, `container.runtime.unavailable`, `E_CONFIG`, `internal`.
Result<RunOrder> make_run_order(const RunParts& parts, const Cgroups& groups);

}  // namespace muster
