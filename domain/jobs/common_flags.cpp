// The table of the common flags, and what each sets.
#include "domain/jobs/common_flags.hpp"

#include <algorithm>
#include <array>

#include "domain/jobs/typed_words.hpp"

namespace muster::jobs {
namespace {

constexpr std::array<std::string_view, 3> kOnError{"abort", "continue", "retry"};
constexpr std::array<std::string_view, 3> kProfiles{"disabled", "permissive", "secure"};
constexpr std::array<std::string_view, 2> kReports{"json", "yaml"};

constexpr std::array kFlags{
  CommonFlag{"dry-run", 0, FlagKind::truth, "Show each step, run nothing", {}},
  CommonFlag{"exit-code", 0, FlagKind::truth, "Exit as the run did", {}},
  CommonFlag{"help", 'h', FlagKind::truth, "Print help", {}},
  CommonFlag{"json", 0, FlagKind::truth, "Print events as JSON, one a line", {}},
  CommonFlag{"node", 0, FlagKind::text, "Run on this node", {}},
  CommonFlag{"on-error", 0, FlagKind::text, "What to do when a script fails", kOnError},
  CommonFlag{"profile", 0, FlagKind::text, "Ask for this security profile", kProfiles},
  CommonFlag{"quiet", 'q', FlagKind::truth, "Print less", {}},
  CommonFlag{"report", 0, FlagKind::text, "Report how each script ended", kReports},
  CommonFlag{"report-file", 0, FlagKind::text, "Write the report to this file", {}},
  CommonFlag{"strict", 0, FlagKind::truth, "Stop when a script fails", {}},
  CommonFlag{"verbose",
             'v',
             FlagKind::count,
             "Print all of each event, and when; -vvv keeps the shell profile, too",
             {}},
};

/// -vvvv says no more than this.
constexpr uint32_t kMaxVerbose = 16;

Error refused(const CommonFlag& flag, const std::string& why) {
  return Error{"E_ARGS", "--" + std::string(flag.name) + ": " + why};
}

bool* truth_of(Common& common, std::string_view name) {
  if (name == "dry-run") return &common.dry_run;
  if (name == "exit-code") return &common.exit_code;
  if (name == "help") return &common.help;
  if (name == "json") return &common.json;
  if (name == "quiet") return &common.quiet;
  return &common.strict;
}

std::string* text_of(Common& common, std::string_view name) {
  if (name == "node") return &common.node;
  if (name == "profile") return &common.profile;
  if (name == "report") return &common.report;
  return &common.report_file;
}

Status set_text(Common& common, const CommonFlag& flag, const std::string& text) {
  const auto& choices = flag.choices;
  // Whether there is such a profile is for the policy to say, which also reads it from elsewhere.
  const bool closed = !choices.empty() && flag.name != "profile";
  if (closed && std::find(choices.begin(), choices.end(), text) == choices.end()) {
    std::string known;
    for (const auto choice : choices) known += (known.empty() ? "" : ", ") + std::string(choice);
    return refused(flag, shown_word(text) + " is none of " + known);
  }
  if (flag.name == "on-error")
    common.on_error = on_error_of(text);
  else
    *text_of(common, flag.name) = text;
  return Done{};
}

}  // namespace

std::span<const CommonFlag> common_flags() {
  return kFlags;
}

const CommonFlag* find_common(std::string_view name) {
  const auto at = std::find_if(kFlags.begin(), kFlags.end(), [&](const auto& f) { return f.name == name; });
  return at == kFlags.end() ? nullptr : &*at;
}

const CommonFlag* find_common(char letter) {
  if (letter == 0) return nullptr;
  const auto at =
    std::find_if(kFlags.begin(), kFlags.end(), [&](const auto& f) { return f.letter == letter; });
  return at == kFlags.end() ? nullptr : &*at;
}

Status set_common(Common& common, const CommonFlag& flag, const std::optional<std::string>& text) {
  if (flag.kind == FlagKind::text) return set_text(common, flag, text.value_or(""));
  if (flag.kind == FlagKind::count) {
    const auto count = text ? integer_of(*text) : int64_t{common.verbose} + 1;
    if (!count || *count < 0) return refused(flag, shown_word(*text) + " is no count");
    common.verbose = static_cast<uint32_t>(std::min<int64_t>(*count, kMaxVerbose));
    return Done{};
  }
  const auto truth = text ? boolean_of(*text) : true;
  if (!truth) return refused(flag, shown_word(*text) + " is neither true nor false");
  *truth_of(common, flag.name) = *truth;
  return Done{};
}

std::optional<OnError> on_error_of(std::string_view word) {
  if (word == "abort") return OnError::abort;
  if (word == "continue") return OnError::go_on;
  if (word == "retry") return OnError::retry;
  return std::nullopt;
}

std::string_view word_of(OnError on_error) {
  switch (on_error) {
    case OnError::go_on:
      return "continue";
    case OnError::retry:
      return "retry";
    case OnError::abort:
      break;
  }
  return "abort";
}

Status check_common(const Common& common) {
  if (!common.report_file.empty() && common.report.empty())
    return Error{"E_ARGS", "--report-file needs --report json or --report yaml"};
  return Done{};
}

}  // namespace muster::jobs
