// The line at the bottom of a terminal while a job runs: its step, how long it took, how far it says it is.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "app/cli/terminal.hpp"

namespace muster::cli {

/// `::progress 40/100 text`, as a script prints it.
struct Progress {
  uint64_t done = 0, total = 0;  ///< done <= total, total > 0.
  std::string text;              ///< Printable.
};

/// Nothing for any other line.
[[nodiscard]] std::optional<Progress> progress_of(std::string_view line);

/// Draws nothing where `terminal` is none: what is piped stays plain.
class StatusLine {
public:
  StatusLine(std::ostream& out, const Terminal& terminal) : out_(out), terminal_(terminal) {}
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  ~StatusLine() { clear(); }

  [[nodiscard]] bool shown() const { return terminal_.tty; }
  /// A step began; `steps` of them in all, 0: not known.
  void begin(const std::string& step, size_t steps, Time now);
  void set(Progress progress) { progress_ = std::move(progress); }
  /// The job has ended: nothing is drawn any more.
  void end();
  /// Before anything else is printed, and after it.
  void clear();
  void draw(Time now);
  /// The same, a few times a second at most: a script may print thousands of lines.
  void draw_soon(Time now);

private:
  [[nodiscard]] std::string text(Time now) const;

  std::ostream& out_;
  const Terminal terminal_;
  std::string step_;
  size_t number_ = 0, steps_ = 0;
  Time began_{}, drawn_at_{};
  std::optional<Progress> progress_;
  bool drawn_ = false;
};

}  // namespace muster::cli
