// Reading a command line.
#include "app/cli/parse.hpp"

#include <algorithm>
#include <optional>

#include "base/nearest.hpp"

namespace muster::cli {
namespace {

/// What a dashed word means to a verb.
struct Meaning {
  const Flag* flag = nullptr;
  const config::Setting* setting = nullptr;
  bool takes_value = false;
};

constexpr std::string_view kCommon[] = {"json", "help", "config"};

std::optional<Meaning> meaning_of(const Verb& verb, const std::string& name) {
  for (const auto& flag : verb.flags)
    if (flag.name == name) return Meaning{&flag, nullptr, !flag.value.empty()};
  if (std::find(std::begin(kCommon), std::end(kCommon), name) != std::end(kCommon))
    return Meaning{nullptr, nullptr, name == "config"};
  const auto* setting = config::find_setting(name);
  if (setting == nullptr || !setting->read_by(verb.reads)) return std::nullopt;
  return Meaning{nullptr, setting, setting->type != config::Type::boolean};
}

Error unknown_flag(const Verb& verb, const std::string& dashed) {
  const auto names = flag_names(verb);
  std::vector<std::string_view> known{names.begin(), names.end()};
  const std::string twice = dashed.starts_with("--") ? dashed : "-" + dashed;
  return usage_error(std::string{verb.name} + " has no flag '" + dashed + "'" + did_you_mean(twice, known));
}

/// Puts the flag where it belongs. Error: a switch that is neither true nor false.
Status take(Parsed& parsed, const Meaning& meaning, const std::string& dashed, const std::string& name,
            const std::string& value) {
  if (meaning.setting != nullptr) {
    parsed.settings.push_back({std::string{meaning.setting->name}, value, dashed});
    return Done{};
  }
  if (meaning.takes_value) {
    if (name == "config") {
      parsed.config_file = value;
      return Done{};
    }
    const auto& choices = meaning.flag->choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end())
      return usage_error(dashed + ": '" + value + "' is not one of its values" +
                         did_you_mean(value, choices));
    parsed.flags[name] = value;
    return Done{};
  }
  const auto truth = config::parse_bool(value);
  if (!truth) return usage_error(dashed + ": " + truth.error().detail);
  if (name == "json")
    parsed.json = *truth;
  else if (name == "help")
    parsed.help = *truth;
  else if (*truth)
    parsed.flags[name] = "true";
  else
    parsed.flags.erase(name);
  return Done{};
}

}  // namespace

std::vector<std::string> flag_names(const Verb& verb) {
  std::vector<std::string> names;
  for (const auto& flag : verb.flags) names.push_back("--" + std::string{flag.name});
  for (const auto name : kCommon) names.push_back("--" + std::string{name});
  for (const auto* setting : settings_of(verb)) {
    names.push_back("--" + std::string{setting->name});
    for (const auto alias : setting->aliases) names.push_back("--" + std::string{alias});
  }
  return names;
}

Result<Parsed> parse(const Verb& verb, std::span<const std::string> arguments) {
  Parsed parsed;
  for (size_t i = 0; i < arguments.size(); i++) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      parsed.words.insert(parsed.words.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                          arguments.end());
      break;
    }
    if (argument.size() < 2 || argument.front() != '-') {
      parsed.words.push_back(argument);
      continue;
    }
    const auto equals = argument.find('=');
    const std::string dashed = argument.substr(0, equals);
    std::string name = dashed.substr(dashed.starts_with("--") ? 2 : 1);
    if (name == "h") name = "help";
    const auto meaning = meaning_of(verb, name);
    if (!meaning) return unknown_flag(verb, dashed);
    std::string value = "true";
    if (equals != std::string::npos)
      value = argument.substr(equals + 1);
    else if (meaning->takes_value) {
      if (i + 1 == arguments.size()) return usage_error(dashed + " needs a value");
      value = arguments[++i];
    }
    if (const auto taken = take(parsed, *meaning, dashed, name, value); !taken) return taken.error();
  }
  if (parsed.words.size() > verb.most_words && !parsed.help)
    return usage_error(std::string{verb.name} + " does not take '" + parsed.words[verb.most_words] + "'");
  const auto& known = verb.subverbs;
  if (!known.empty() && !parsed.words.empty() &&
      std::find(known.begin(), known.end(), parsed.words.front()) == known.end())
    return usage_error(std::string{verb.name} + " has no '" + parsed.words.front() + "'" +
                       did_you_mean(parsed.words.front(), known));
  return parsed;
}

}  // namespace muster::cli
