// What a shell reads before a script: the variables and libraries beside it, and its arguments as variables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

enum class Shell : uint8_t { none, bash, powershell };

/// By the names of the programs in `interpreter`: `/usr/bin/env bash`, `pwsh`. Others, and containers, get no
/// profile.
[[nodiscard]] Shell shell_of(std::string_view interpreter);

/// The folders that may hold `config.d`, from `root` down to `root`/`folder`, in which a job's script is.
/// Error: `E_CONFIG` when `folder` is absolute or has an empty part, "." or "..".
Result<std::vector<std::string>> profile_folders(std::string_view root, std::string_view folder);

/// Of the files in a `vars` or `libs` folder those that `shell` reads, in the order it does.
[[nodiscard]] std::vector<std::string> profile_files(Shell shell, std::vector<std::string> names);

struct ShellProfile {
  std::string text;
  /// An argument that the shell cannot have as a variable, or must not, and why.
  struct Skipped {
    std::string name, why;
  };
  std::vector<Skipped> skipped;
};

/// The profile that reads `files` (absolute, in this order) and then sets the arguments: in bash scalars are
/// exported, arrays and objects declared, '-' and '.' of a name are '_'; in PowerShell strings, integers and
/// booleans go to the environment, and the profile starts its -TargetScript. Secrets are in neither: the
/// profile is a file, and what is exported is seen by every child.
[[nodiscard]] ShellProfile shell_profile(Shell shell, const std::vector<std::string>& files,
                                         const Arguments& arguments);

/// `text` as one word of bash, or of PowerShell. No character in it means anything to the shell.
[[nodiscard]] std::string bash_quoted(std::string_view text);
[[nodiscard]] std::string powershell_quoted(std::string_view text);

/// The words between the interpreter and the script: those that make PowerShell read the profile at `profile`
/// first. Bash needs none: it is told by BASH_ENV.
[[nodiscard]] std::vector<std::string> profile_words(Shell shell, const std::string& profile);

}  // namespace muster::jobs
