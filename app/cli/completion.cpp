// Candidates for the word under the cursor.
#include "app/cli/completion.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <ostream>

#include "base/nearest.hpp"

namespace muster::cli {
namespace {

constexpr std::string_view kShells[] = {"bash", "fish", "powershell", "zsh"};

struct Candidate {
  std::string display;
  std::string_view type;
};
using Candidates = std::map<std::string, Candidate>;  ///< By insert, sorted.

bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::string without_dashes(std::string_view word) {
  return std::string{word.substr(std::min(word.find_first_not_of('-'), word.size()))};
}

/// Values of a flag, as far as they are known; `takes_value` says whether the next word is its value.
struct FlagValues {
  bool takes_value = false;
  std::vector<std::string_view> values;
};

FlagValues values_of(const Verb& verb, const std::string& name) {
  for (const auto& flag : verb.flags)
    if (flag.name == name)
      return flag.value.empty() ? FlagValues{false, {"true", "false"}} : FlagValues{true, flag.choices};
  if (name == "json" || name == "help") return {false, {"true", "false"}};
  if (name == "config") return {true, {}};
  if (const auto* setting = config::find_setting(name)) {
    if (setting->type == config::Type::boolean) return {false, {"true", "false"}};
    return {true, setting->choices};
  }
  return {};
}

void add_flags(const Verb& verb, Candidates& to) {
  for (const auto& flag : verb.flags) to["--" + std::string{flag.name}] = {std::string{flag.help}, "flag"};
  to["--json"] = {"Print JSON", "flag"};
  to["--help"] = {"Print help", "flag"};
  to["--config"] = {"Read this muster.yaml", "flag"};
  for (const auto* setting : settings_of(verb)) {
    to["--" + std::string{setting->name}] = {std::string{setting->help}, "flag"};
    for (const auto alias : setting->aliases)
      to["--" + std::string{alias}] = {"Same as --" + std::string{setting->name}, "flag"};
  }
}

Candidates candidates(const std::vector<std::string>& earlier, const std::string& current) {
  Candidates found;
  if (earlier.empty()) {
    if (current.starts_with(':'))
      for (const auto& verb : verbs()) found[std::string{verb.name}] = {std::string{verb.summary}, "segment"};
    found["completion"] = {"Print a shell's completion script", "segment"};
    return found;
  }
  if (earlier.front() == "completion") {
    for (const auto shell : kShells) found[std::string{shell}] = {std::string{shell}, "segment"};
    return found;
  }
  const auto* verb = find_verb(earlier.front());
  if (verb == nullptr) return found;
  if (const auto equals = current.find('='); current.starts_with('-') && equals != std::string::npos) {
    for (const auto value : values_of(*verb, without_dashes(current.substr(0, equals))).values)
      found[current.substr(0, equals + 1) + std::string{value}] = {std::string{value}, "value"};
    return found;
  }
  const auto& last = earlier.back();
  if (last.starts_with('-') && last.find('=') == std::string::npos) {
    const auto values = values_of(*verb, without_dashes(last));
    if (values.takes_value) {
      for (const auto value : values.values) found[std::string{value}] = {std::string{value}, "value"};
      return found;
    }
  }
  if (earlier.size() == 1 && !current.starts_with('-'))
    for (const auto word : verb->subverbs) found[std::string{word}] = {std::string{word}, "segment"};
  add_flags(*verb, found);
  return found;
}

}  // namespace

Outcome complete(const std::vector<std::string>& arguments, const Io& io) {
  const Error bad{"internal", "__complete needs the index of the word under the cursor"};
  if (arguments.size() < 2) return bad;
  int index = 0;
  const auto& text = arguments[1];
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (ec != std::errc{} || end != text.data() + text.size()) return bad;
  std::vector<std::string> words{arguments.begin() + 2, arguments.end()};
  words.erase(std::remove(words.begin(), words.end(), "--"), words.end());
  const std::string current = words.empty() ? "" : words.back();
  if (!words.empty()) words.pop_back();
  for (const auto& [insert, candidate] : candidates(words, current)) {
    if (!has_prefix(insert, current)) continue;
    const Json line = {{"insert", insert}, {"display", candidate.display}, {"type", candidate.type}};
    io.out << line.dump() << '\n';
  }
  return 0;
}

Outcome print_completion_script(const std::vector<std::string>& arguments, const Io& io) {
  const std::string shell = arguments.size() > 1 ? arguments[1] : "";
  const auto script = completion_script(shell);
  if (script.empty())
    return usage_error("completion needs one of bash, zsh, fish, powershell" + did_you_mean(shell, kShells));
  io.out << script;
  return 0;
}

}  // namespace muster::cli
