// What a running job shows: its events, its output, and a report at the end; wherever it runs.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "app/cli/status_line.hpp"
#include "app/cli/verb.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "domain/jobs/common_flags.hpp"

namespace muster::cli {

class JobStream {
public:
  /// `steps` of them in all; 0: not known.
  JobStream(const Io& io, const jobs::Common& common, size_t steps);

  /// `members` are those of the jobs contract, section 7.
  void event(uint64_t seq, Time at, const std::string& type, const Json& members);
  /// One line that a step printed.
  void line(uint64_t seq, Time at, const std::string& step, bool is_error, std::string_view text);

  /// Time passes: once a second or so, or more often.
  void tick();

  /// The run's own, once its end was shown: `completed`, `failed`, `canceled`.
  [[nodiscard]] const std::string& status() const { return status_; }
  /// Of the first step that did not end with 0; 0: none.
  [[nodiscard]] int64_t exit_code() const { return exit_code_; }
  /// [{Name, ExitCode, Duration (ns), Err}], printed or written where the flags say. Error: `internal`.
  [[nodiscard]] Status write_report() const;

private:
  [[nodiscard]] Json base(uint64_t seq, Time at, const std::string& type) const;
  void print(const Json& json) const;
  void show_event(uint64_t seq, Time at, const std::string& type, const std::string& step, const Json& data);
  void finish_step(const std::string& step, Time at, const Json& members);

  const Io& io_;
  const jobs::Common& common_;
  const size_t steps_;
  StatusLine line_;
  std::string run_, status_;
  int64_t exit_code_ = 0;
  std::map<std::string, Time> began_;
  Json report_ = Json::array();
};

}  // namespace muster::cli
