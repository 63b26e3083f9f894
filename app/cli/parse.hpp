// The grammar: a verb, words, and flags in the forms --flag value, --flag=value and, as in Go, -flag value.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "app/cli/verb.hpp"

namespace muster::cli {

struct Parsed {
  std::vector<std::string> words;
  std::map<std::string, std::string, std::less<>> flags;  ///< Of the verb.
  std::vector<config::Given> settings;                    ///< Flags that are settings.
  std::string config_file;                                ///< --config.
  bool json = false;
  bool help = false;
};

/// `arguments` without the program and the verb. A flag without value is a truth value and may be given as
/// --flag=false; everything after -- is a word. Error: `usage`, naming the nearest known flag.
[[nodiscard]] Result<Parsed> parse(const Verb& verb, std::span<const std::string> arguments);

/// Every flag of `verb` with its dashes, for completion and suggestions.
[[nodiscard]] std::vector<std::string> flag_names(const Verb& verb);

}  // namespace muster::cli
