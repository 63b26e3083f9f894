// Finding the command that was typed so far, and what may come next.
#include "domain/jobs/completion.hpp"

#include <algorithm>
#include <utility>

#include "base/json.hpp"
#include "domain/jobs/common_flags.hpp"
#include "domain/jobs/typed_words.hpp"

namespace muster::jobs {
namespace {

using Words = std::span<const std::string>;

/// A flag of a command, wherever it comes from.
struct Known {
  std::string name;
  char letter;
  std::string help;
  bool takes_value, hidden;
  std::vector<std::string> values;
};

const std::vector<std::string>& truths() {
  static const std::vector<std::string> both{"true", "false"};
  return both;
}

Known known(const Arg& arg) {
  const bool boolean = arg.type == "boolean";
  const auto& values = boolean ? truths() : arg.type == "array" ? arg.item_choices : arg.choices;
  return {arg.name, 0, arg.description, !boolean, false, values};
}

Known known(const CommonFlag& flag) {
  std::vector<std::string> values(flag.choices.begin(), flag.choices.end());
  if (flag.kind == FlagKind::truth) values = truths();
  return {std::string(flag.name),      flag.letter, std::string(flag.help),
          flag.kind == FlagKind::text, false,       std::move(values)};
}

std::vector<Known> flags_of(const Command& command) {
  std::vector<Known> flags;
  for (const auto& flag : command.flags)
    flags.push_back({flag.name, flag.letter, flag.help, flag.takes_value, flag.hidden,
                     flag.takes_value || !flag.values.empty() ? flag.values : truths()});
  if (command.job == nullptr) return flags;
  for (const auto& flag : common_flags()) flags.push_back(known(flag));
  for (const auto& arg : command.job->args)
    if (find_common(arg.name) == nullptr) flags.push_back(known(arg));
  return flags;
}

const Known* find_flag(const std::vector<Known>& flags, std::string_view word, bool of_job) {
  const bool is_long = word.starts_with("--");
  const auto name = word.substr(is_long ? 2 : std::min<size_t>(1, word.size()));
  const auto at = std::find_if(flags.begin(), flags.end(), [&](const Known& flag) {
    // Verbs take -name as they take --name. Of a job's letters that stand together, as in -vq, the last is
    // the one that may want a value.
    if (is_long || (!of_job && flag.name == name)) return flag.name == name;
    return !name.empty() && flag.letter == name.back();
  });
  return at == flags.end() ? nullptr : &*at;
}

/// How many words of `command` stand at the beginning of `words`.
size_t shared(const Command& command, Words words) {
  size_t n = 0;
  while (n < command.words.size() && n < words.size() && same_word(command.words[n], words[n])) n++;
  return n;
}

/// The command with the most words that `words` begin with.
const Command* find_command(std::span<const Command> commands, Words words) {
  const Command* best = nullptr;
  for (const auto& command : commands) {
    const auto n = shared(command, words);
    if (n != command.words.size() || n == 0) continue;
    // A job has its words before an alias has them.
    const bool job_over_alias =
      best != nullptr && n == best->words.size() && command.alias_of.empty() && !best->alias_of.empty();
    if (best == nullptr || n > best->words.size() || job_over_alias) best = &command;
  }
  return best;
}

/// The flag at the end of `words` that has no word after it, if the last of them is one.
const Known* open_flag(const std::vector<Known>& flags, Words words, bool of_job) {
  const Known* open = nullptr;
  bool value = false;
  for (const auto& word : words) {
    open = nullptr;
    if (std::exchange(value, false) || word.size() < 2 || word[0] != '-') continue;
    if (word.find('=') != std::string::npos) continue;
    open = find_flag(flags, word, of_job);
    value = open != nullptr && open->takes_value;
  }
  return open;
}

class Completion {
public:
  explicit Completion(const std::string& current) : current_(current) {}

  void segments(std::span<const Command> commands, Words earlier) {
    for (const auto& command : commands) {
      if (command.words.size() <= earlier.size()) continue;
      const auto& word = command.words[earlier.size()];
      if (!begins_with(word, current_) || shared(command, earlier) != earlier.size()) continue;
      if (word.starts_with(':') && !current_.starts_with(':')) continue;
      const bool whole = command.words.size() == earlier.size() + 1;
      const int rank = !whole ? 2 : command.alias_of.empty() ? 0 : 1;
      found_.push_back({{word, whole ? display_of(command, word) : word, Candidate::Type::segment}, rank});
    }
  }

  void flags(const std::vector<Known>& flags) {
    for (const auto& flag : flags) {
      if (flag.hidden) continue;
      add("--" + flag.name, flag.help, Candidate::Type::flag);
      if (flag.letter != 0) add(std::string("-") + flag.letter, flag.help, Candidate::Type::flag);
    }
  }

  void values(const Known& flag, const std::string& before) {
    for (const auto& value : flag.values) add(before + value, value, Candidate::Type::value);
  }

  /// Sorted; of those that insert the same the best.
  std::vector<Candidate> take() {
    const auto before = [](const Found& a, const Found& b) {
      const int order = a.candidate.insert.compare(b.candidate.insert);
      return order != 0 ? order < 0 : a.rank < b.rank;
    };
    if (!std::is_sorted(found_.begin(), found_.end(), before))
      std::stable_sort(found_.begin(), found_.end(), before);
    std::vector<Candidate> all;
    all.reserve(found_.size());
    for (auto& found : found_)
      if (all.empty() || all.back().insert != found.candidate.insert)
        all.push_back(std::move(found.candidate));
    return all;
  }

private:
  struct Found {
    Candidate candidate;
    int rank;  ///< 0 before 1: a job before an alias, and that before a folder.
  };

  static std::string display_of(const Command& command, const std::string& word) {
    if (command.alias_of.empty()) return command.summary.empty() ? word : command.summary;
    const auto about = command.summary.empty() ? "" : ", " + command.summary;
    return word + " (alias -> " + command.alias_of + about + ')';
  }

  void add(const std::string& insert, const std::string& display, Candidate::Type type) {
    if (begins_with(insert, current_)) found_.push_back({{insert, display, type}, 0});
  }

  const std::string& current_;
  std::vector<Found> found_;
};

}  // namespace

std::vector<Candidate> complete(std::span<const Command> commands, std::span<const std::string> words) {
  const std::string current = words.empty() ? "" : words.back();
  std::vector<std::string> earlier;
  for (size_t i = 0; i + 1 < words.size(); i++)
    if (words[i] != "--") earlier.push_back(words[i]);
  Completion completion(current);
  const auto* command = find_command(commands, earlier);
  if (command == nullptr) {
    completion.segments(commands, earlier);
    return completion.take();
  }
  const auto flags = flags_of(*command);
  const bool of_job = command->job != nullptr;
  const auto rest = Words(earlier).subspan(command->words.size());
  const auto* open = open_flag(flags, rest, of_job);
  // After a switch another flag may follow: `true` and `false` are offered only where none begins.
  if (open != nullptr && (open->takes_value || (!open->values.empty() && !current.starts_with('-')))) {
    completion.values(*open, "");
    return completion.take();
  }
  if (const auto equals = current.find('='); current.starts_with('-') && equals != std::string::npos) {
    if (const auto* flag = find_flag(flags, std::string_view(current).substr(0, equals), of_job))
      completion.values(*flag, current.substr(0, equals + 1));
    return completion.take();
  }
  if (rest.empty() && !current.starts_with('-')) completion.segments(commands, earlier);
  completion.flags(flags);
  return completion.take();
}

std::string candidate_line(const Candidate& candidate) {
  constexpr std::string_view kTypes[] = {"segment", "flag", "value"};
  const Json line = {{"insert", candidate.insert},
                     {"display", candidate.display},
                     {"type", kTypes[static_cast<size_t>(candidate.type)]}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace muster::jobs
