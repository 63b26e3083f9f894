// What a script gets: its environment and the flags on its command line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

using Environment = std::map<std::string, std::string>;

struct Surroundings {
  Environment host;      ///< Of the machine: PATH is taken from it, all of it only with `inherit`.
  std::string data;      ///< The data folder, absolute.
  std::string run;       ///< The run's own folder, absolute.
  bool inherit = false;  ///< The job asks for the host's environment, and the policy allows it.
};

/// Later ones overwrite: the job's `env`; `ARG_<NAME>` of strings, integers and booleans, never of secrets;
/// FLWD_ARGS_JSON, where a secret is `[secret]` unless `inherit`; DATA_DIR and FLOWD_DATA_DIR, which are the
/// job's own DATA_DIR where its `env` has one; RUN_DIR, FLOWD_RUN_DIR, FLWD_RUN_DIR. PATH and the inherited
/// ones only fill what is not there. Error: `E_CONFIG` for a name or value in `env` that no environment can
/// hold.
Result<Environment> script_environment(const Job& job, const Arguments& arguments,
                                       const Surroundings& around);

/// `--name=value` of strings and integers, `--name` of true booleans, in the order of the job's list; no
/// secrets, arrays or objects, and none of the common flags.
[[nodiscard]] std::vector<std::string> script_flags(const Arguments& arguments);

/// `ARG_<NAME>`: upper case, '-' to '_'.
[[nodiscard]] std::string variable_of(const std::string& argument);

/// A string, an integer or a boolean as text; of an array or an object nothing.
[[nodiscard]] std::optional<std::string> scalar_text(const Json& value);

/// The file that holds a secret, below `<run folder>/secrets` and `/run/secrets`: what is not a letter, a
/// digit, '.', '-' or '_' becomes '_', and so does a leading '.'.
[[nodiscard]] std::string secret_file(const std::string& argument);

/// What that file holds: a scalar as text, arrays and objects as JSON.
[[nodiscard]] std::string secret_text(const Json& value);

}  // namespace muster::jobs
