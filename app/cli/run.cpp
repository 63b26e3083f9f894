// From the words of the command line to the verb that they name.
#include "app/cli/run.hpp"

#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "app/cli/completion.hpp"
#include "app/cli/help.hpp"
#include "app/cli/job.hpp"
#include "app/cli/parse.hpp"
#include "app/cli/problem.hpp"
#include "base/nearest.hpp"

namespace muster::cli {
namespace {

/// Errors may come before --json was parsed.
bool wants_json(const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const auto& word) { return word == "--json" || word == "-json"; });
}

Error unknown_verb(const std::string& word) {
  std::vector<std::string_view> known;
  for (const auto& verb : verbs()) known.push_back(verb.name);
  if (word.starts_with(':'))
    return usage_error("there is no verb '" + word + "'" + did_you_mean(word, known));
  const auto meant = std::find(known.begin(), known.end(), ":" + word);
  const auto hint =
    meant != known.end() ? "; did you mean '" + std::string{*meant} + "'?" : did_you_mean(":" + word, known);
  return usage_error("unknown verb '" + word + "'" + hint +
                     " Verbs begin with a colon; other words are jobs, and jobs come with a scripts folder.");
}

/// Flags may stand before the verb: the verb is the first word, or else the first known verb.
std::vector<std::string>::const_iterator find_verb_word(const std::vector<std::string>& arguments) {
  if (!arguments.front().starts_with('-')) return arguments.begin();
  return std::find_if(arguments.begin(), arguments.end(),
                      [](const auto& word) { return find_verb(word) != nullptr; });
}

Outcome run_verb(const Verb& verb, const std::vector<std::string>& arguments, const Io& io) {
  auto parsed = parse(verb, arguments);
  if (!parsed) return parsed.error();
  if (parsed->help) {
    print_help(verb, io);
    return 0;
  }
  auto config = config::load(parsed->config_file, io.environment, parsed->settings);
  if (!config) return config.error();
  for (const auto& warning : config->warnings()) io.err << "muster: " << warning << '\n';
  Call call{io, *std::move(config), std::move(parsed->words), std::move(parsed->flags), parsed->json};
  return verb.run(call);
}

Outcome dispatch(const std::vector<std::string>& arguments, const Io& io) {
  if (arguments.empty() || arguments.front() == "help" || arguments.front() == ":help" ||
      (arguments.size() == 1 && (arguments.front() == "--help" || arguments.front() == "-h"))) {
    print_overview(io);
    return 0;
  }
  if (arguments.front() == "__complete") return complete(arguments, io);
  if (arguments.front() == "completion") return print_completion_script(arguments, io);
  if (const auto* known = find_verb(":" + arguments.front()); !known)
    if (auto done = run_named_job(arguments, io)) return *done;
  const auto at = arguments.front() == "--version" ? arguments.begin() : find_verb_word(arguments);
  if (at == arguments.end()) return usage_error("there is no verb in this command line");
  const auto* verb = find_verb(*at == "--version" ? ":version" : *at);
  if (verb == nullptr) return unknown_verb(*at);
  std::vector<std::string> rest{arguments.begin(), at};
  rest.insert(rest.end(), at + 1, arguments.end());
  return run_verb(*verb, rest, io);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Io& io) {
  const auto outcome = dispatch(arguments, io);
  io.out.flush();
  if (outcome) return *outcome;
  return print_problem(io, outcome.error(), wants_json(arguments));
}

int run(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const auto environment = config::process_environment();
  const Io io{std::cin,
              std::cout,
              std::cerr,
              terminal_of(STDOUT_FILENO, environment),
              terminal_of(STDERR_FILENO, environment),
              environment,
              system_now};
  return run({argv + std::min(argc, 1), argv + argc}, io);
}

}  // namespace muster::cli
