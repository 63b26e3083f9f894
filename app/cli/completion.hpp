// Completion: the hidden protocol and the four scripts that speak it.
#pragma once

#include <string>
#include <vector>

#include "app/cli/verb.hpp"

namespace muster::cli {

constexpr size_t kMaxWords = 4096;  ///< Of a line that is completed; a longer one has no candidates.

/// `__complete <cursor-index> [words...]`: one JSON object a line, {"insert","display","type"}, type one of
/// segment, flag, value (contract of jobs, section 13). The last word is the one being completed. What is
/// wrong in a tree of scripts, in muster.yaml or in a setting costs its candidates, never the others. Error:
/// `internal` for an index that is missing or no whole number.
[[nodiscard]] Outcome complete(const std::vector<std::string>& arguments, const Io& io);

/// `completion bash|zsh|fish|powershell`.
[[nodiscard]] Outcome print_completion_script(const std::vector<std::string>& arguments, const Io& io);

/// The script of a shell, "" for an unknown one.
[[nodiscard]] std::string completion_script(std::string_view shell);

}  // namespace muster::cli
