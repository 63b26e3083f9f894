// From verbs, jobs and aliases to the candidates for the word under the cursor.
#include "app/cli/completion.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>

#include "adapters/job_outline.hpp"
#include "app/cli/terminal.hpp"
#include "base/nearest.hpp"
#include "domain/jobs/completion.hpp"

namespace muster::cli {
namespace {

constexpr std::string_view kShells[] = {"bash", "fish", "powershell", "zsh"};

using Words = std::vector<std::string>;
using jobs::Command;
using CommandFlag = jobs::Command::Flag;

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

/// A setting under its own name and the others that it goes by.
void add_setting(const config::Setting& setting, std::vector<CommandFlag>& to) {
  CommandFlag flag{
    std::string{setting.name}, 0, std::string{setting.help}, setting.type != config::Type::boolean, false,
    strings(setting.choices)};
  to.push_back(flag);
  for (const auto alias : setting.aliases) {
    flag.help = "Same as --" + std::string{setting.name};
    flag.name = alias;
    to.push_back(flag);
  }
}

std::vector<CommandFlag> flags_of(const Verb& verb) {
  std::vector<CommandFlag> flags;
  for (const auto& flag : verb.flags)
    flags.push_back(
      {std::string{flag.name}, 0, std::string{flag.help}, !flag.value.empty(), false, strings(flag.choices)});
  flags.push_back({"json", 0, "Print JSON", false, false, {}});
  flags.push_back({"help", 0, "Print help", false, false, {}});
  flags.push_back({"config", 0, "Read this muster.yaml", true, false, {}});
  for (const auto* setting : settings_of(verb)) add_setting(*setting, flags);
  return flags;
}

/// The verbs, each also with its sub-verbs; flags only of the one that `earlier` names.
std::vector<Command> verb_commands(const Words& earlier) {
  std::vector<Command> all;
  for (const auto& verb : verbs()) {
    Command command;
    command.words = {std::string{verb.name}};
    command.summary = verb.summary;
    const bool named = !earlier.empty() && earlier.front() == verb.name;
    if (named) command.flags = flags_of(verb);
    all.push_back(command);
    if (!named) continue;
    command.summary.clear();
    for (const auto word : verb.subverbs) {
      command.words = {std::string{verb.name}, std::string{word}};
      all.push_back(command);
    }
  }
  return all;
}

/// `completion` and the shells that it knows.
void add_shells(std::vector<Command>& to) {
  Command command;
  command.words = {"completion"};
  command.summary = "Print a shell's completion script";
  to.push_back(command);
  command.summary.clear();
  for (const auto shell : kShells) {
    command.words = {"completion", std::string{shell}};
    to.push_back(command);
  }
}

Words parts_of(const std::string& folder) {
  Words words;
  for (size_t from = 0; from <= folder.size();) {
    const auto end = std::min(folder.find('/', from), folder.size());
    words.push_back(folder.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

/// What nobody can type, or a shell would read as several lines, is not offered.
bool can_be_typed(const Words& words) {
  return std::none_of(words.begin(), words.end(), [](const auto& word) {
    return word.empty() ||
           std::any_of(word.begin(), word.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  });
}

void add_jobs(const JobListing& listing, std::vector<Command>& to) {
  const auto add = [&](Command command) {
    if (can_be_typed(command.words)) to.push_back(std::move(command));
  };
  for (const auto& [folder, job] : listing.tree.commands()) {
    Command command;
    command.words = parts_of(folder);
    command.summary = job->summary;
    command.job = job;
    add(std::move(command));
  }
  for (const auto& alias : listing.aliases.listed()) {
    if (listing.aliases.find(alias.name) == nullptr) continue;
    Command command;
    command.words = {alias.name};
    command.summary = alias.description;
    command.job = listing.tree.find(alias.target_id);
    command.alias_of = alias.target_path;
    add(std::move(command));
  }
}

/// Settings that stand before a job's words, as app/cli/job.cpp reads them; they are taken out of `words`,
/// whose last one is only being typed.
std::vector<config::Given> take_settings(Words& words) {
  std::vector<config::Given> given;
  size_t used = 0;
  while (used + 1 < words.size() && words[used].starts_with("--") && words[used] != "--") {
    const auto equals = words[used].find('=');
    const auto name = words[used].substr(2, equals == std::string::npos ? equals : equals - 2);
    if (equals == std::string::npos && used + 2 >= words.size()) break;  // Its value is being typed.
    given.push_back(
      {name, equals == std::string::npos ? words[used + 1] : words[used].substr(equals + 1), "--" + name});
    used += equals == std::string::npos ? 2 : 1;
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(used));
  return given;
}

/// A setting that is wrong elsewhere does not matter here.
std::string scripts_root(const std::vector<config::Given>& given, const config::Environment& environment) {
  if (const auto config = config::load("", environment, given)) return config->text("scripts-root");
  for (auto at = given.rbegin(); at != given.rend(); ++at)
    if (at->name == "scripts-root") return at->text;
  const auto* setting = config::find_setting("scripts-root");
  Words variables{setting->variable()};
  variables.insert(variables.end(), setting->variables.begin(), setting->variables.end());
  for (const auto& variable : variables)
    if (const auto text = environment(variable); text && !text->empty()) return *text;
  return std::string{setting->fallback};
}

/// Where outlines are kept; "" where there is no such place.
std::string cache_folder(const config::Environment& environment) {
  const auto folder = environment("XDG_CACHE_HOME").value_or("");
  if (folder.starts_with('/')) return folder + "/muster";
  const auto home = environment("HOME").value_or("");
  return home.starts_with('/') ? home + "/.cache/muster" : "";
}

/// Flags before any word: the settings of a job's command.
std::vector<jobs::Candidate> leading_flags(Words words) {
  Command program;
  program.words = {"muster"};
  for (const auto& setting : config::settings())
    if (setting.read_by(config::Reader::client)) add_setting(setting, program.flags);
  program.flags.push_back({"help", 0, "Print help", false, false, {}});
  words.insert(words.begin(), "muster");
  return jobs::complete({&program, 1}, words);
}

std::vector<jobs::Candidate> candidates(Words words, const Io& io) {
  if (words.empty()) words.emplace_back();
  words.erase(std::remove(words.begin(), words.end() - 1, "--"), words.end() - 1);
  const auto given = take_settings(words);
  if (words.front().starts_with('-')) return leading_flags(std::move(words));
  const Words earlier{words.begin(), words.end() - 1};
  std::vector<Command> commands;
  std::shared_ptr<const JobListing> listing;  // Owns what commands point to.
  if (words.front().starts_with(':')) {
    commands = verb_commands(earlier);
  } else {
    add_shells(commands);
    if (auto read =
          read_job_outline(scripts_root(given, io.environment), cache_folder(io.environment), earlier)) {
      listing = *read;
      add_jobs(*listing, commands);
    }
  }
  return jobs::complete(commands, words);
}

}  // namespace

Outcome complete(const std::vector<std::string>& arguments, const Io& io) {
  const Error bad{"internal", "__complete needs the index of the word under the cursor"};
  if (arguments.size() < 2) return bad;
  int64_t index = 0;
  const auto& text = arguments[1];
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (ec != std::errc{} || end != text.data() + text.size()) return bad;
  if (arguments.size() > 2 + kMaxWords) return 0;
  for (auto& candidate : candidates({arguments.begin() + 2, arguments.end()}, io)) {
    candidate.display = printable(candidate.display);
    io.out << jobs::candidate_line(candidate) << '\n';
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
