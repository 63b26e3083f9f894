// A verb of the command line: what it is called, what it takes, what it does.
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/terminal.hpp"
#include "app/config/config.hpp"
#include "base/json.hpp"

namespace muster::cli {

/// The world around a call, so that a test can be one.
struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;        ///< Of `out`.
  Terminal error_terminal;  ///< Of `err`.
  config::Environment environment;
  Now now;
};

/// A flag of one verb; with an empty `value` it takes none.
struct Flag {
  std::string_view name;
  std::string_view value;  ///< What stands for the value in help: SEQ, FILE.
  std::string_view help;
  std::vector<std::string_view> choices{};
};

/// One invocation, parsed and configured.
struct Call {
  const Io& io;
  config::Config config;
  std::vector<std::string> words;  ///< After the verb, without flags.
  std::map<std::string, std::string, std::less<>> flags;
  bool json = false;

  [[nodiscard]] bool has(std::string_view flag) const { return flags.contains(flag); }
  /// The flag's value, "" when it was not given.
  [[nodiscard]] std::string text(std::string_view flag) const;
  /// The first word, or "" when there is none: the sub-verb.
  [[nodiscard]] std::string word(size_t i) const { return i < words.size() ? words[i] : std::string{}; }
};

/// The exit status, or why not. An Error is printed as a problem and exits with the status of its code.
using Outcome = Result<int>;

struct Verb {
  std::string_view name;     ///< With its colon.
  std::string_view summary;  ///< One line, starts with a verb of its own.
  std::string_view usage{};  ///< What follows the name, without flags.
  std::string_view example;  ///< One or more whole command lines.
  Outcome (*run)(Call&);
  config::Reader reads = config::Reader::client;  ///< Whose settings are flags of it.
  std::vector<Flag> flags{};
  std::vector<std::string_view> subverbs{};  ///< Allowed first words; empty: any.
  size_t most_words = 0;
};

/// Every verb, in the order of help.
[[nodiscard]] std::span<const Verb> verbs();

[[nodiscard]] const Verb* find_verb(std::string_view name);

/// The settings that are flags of `verb`.
[[nodiscard]] std::vector<const config::Setting*> settings_of(const Verb& verb);

/// `usage` with a detail.
[[nodiscard]] Error usage_error(std::string detail);

/// One JSON document and a newline.
void print_json(const Call& call, const Json& value);

}  // namespace muster::cli
