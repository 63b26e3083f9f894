// The flags that every job's command takes beside its own arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// -vvv (contract of jobs, section 4).
constexpr uint32_t kKeepsProfile = 3;

/// What they said. A word that belongs to no flag is kept as `stray`: `--loud false` leaves `false` there,
/// and whoever runs the command says so.
struct Common {
  bool dry_run = false, quiet = false, strict = false, json = false, help = false;
  bool exit_code = false;  ///< Exit as the run did.
  uint32_t verbose = 0;    ///< From kKeepsProfile on the shell profile is kept.
  std::optional<OnError> on_error;
  std::string report;  ///< json or yaml; empty: none.
  std::string report_file;
  std::string profile;
  std::string node;
  std::vector<std::string> stray;
};

enum class FlagKind : uint8_t { truth, count, text };

struct CommonFlag {
  std::string_view name;
  char letter;  ///< 0: none.
  FlagKind kind;
  std::string_view help;
  std::span<const std::string_view> choices;
};

/// All of them, sorted by name.
[[nodiscard]] std::span<const CommonFlag> common_flags();
[[nodiscard]] const CommonFlag* find_common(std::string_view name);
[[nodiscard]] const CommonFlag* find_common(char letter);

/// Sets what `flag` says. `text` is its value, absent when none was given (only for what is no `text`).
/// Error: `E_ARGS`.
Status set_common(Common& common, const CommonFlag& flag, const std::optional<std::string>& text);

/// abort, continue or retry; nothing for any other word.
[[nodiscard]] std::optional<OnError> on_error_of(std::string_view word);
[[nodiscard]] std::string_view word_of(OnError on_error);

/// What only all flags together show: `--report-file` needs `--report`.
Status check_common(const Common& common);

}  // namespace muster::jobs
