// Wall-clock time in milliseconds, and its one text form; the steady time that limits are measured by.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

using Millis = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Millis>;

/// Where the time comes from: the system, or a test.
using Now = std::function<Time()>;

[[nodiscard]] Time system_now();

/// For limits: it never goes back, and says nothing of the time of day.
using SteadyTime = std::chrono::steady_clock::time_point;
using SteadyNow = std::function<SteadyTime()>;

[[nodiscard]] inline SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

/// RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z, always 24 characters until the year 9999.
[[nodiscard]] std::string to_rfc3339(Time time);

/// Reads what to_rfc3339 writes; also without a fraction, with 1 to 9 digits of it, or with an offset
/// (+02:00).
[[nodiscard]] std::optional<Time> parse_rfc3339(std::string_view text);

/// Reads a Go-like duration: 250ms, 30s, 5m, 2h, 7d; a bare number is seconds.
[[nodiscard]] std::optional<Millis> parse_duration(std::string_view text);

}  // namespace muster
