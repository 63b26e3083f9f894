// The output of a service: kept in its folder, bounded, read from its end.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace muster {

/// Bytes of a log before it moves to `log.1`, of which at most twice as many are kept.
constexpr uint64_t kMaxServiceLog = 8 << 20;
/// Lines and bytes that one reading of a log gives at most.
constexpr uint64_t kMaxLogLines = 10'000;
constexpr uint64_t kMaxLogBytes = 1 << 20;

/// A service's folder under `services`: its name where that is plain, else a digest of it.
[[nodiscard]] std::string service_folder(const std::string& services, const std::string& name);

/// Moves `folder`/log to log.1 once it is larger than `limit`. Whoever writes to it keeps writing: it is
/// copied and cut off, and what is written between the two is lost.
void bound_log(const std::string& folder, uint64_t limit = kMaxServiceLog);

/// The last lines, and the size of the file up to them: where to read on.
struct LogTail {
  std::string text;
  uint64_t end = 0;
};
/// Error: `not.found` when there is no log.
Result<LogTail> log_tail(const std::string& folder, uint64_t lines);

/// What was written after `from`, at most kMaxLogBytes; from the beginning when the log was cut off since.
[[nodiscard]] LogTail log_after(const std::string& folder, uint64_t from);

}  // namespace muster
