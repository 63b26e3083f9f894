// What follows an attempt at a step: another one, the next step, or the end of the run.
#pragma once

#include <cstdint>
#include <optional>

#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// `--on-error` and `--strict` over what the job says. `retry` asked for on a command line tries once more at
/// least; `--strict` alone makes `continue` stop.
[[nodiscard]] ErrorHandling handling_of(const Job& job, std::optional<OnError> on_error, bool strict);

enum class Ending : uint8_t { succeeded, failed, canceled };

struct Follow {
  enum class What : uint8_t { again, go_on, stop };
  What what = What::go_on;
  uint64_t after_s = 0;  ///< Before `again`.
  bool operator==(const Follow&) const = default;
};

/// After attempt number `attempt` (from 1) ended. Processes and containers alike.
[[nodiscard]] Follow after_attempt(const ErrorHandling& handling, uint64_t attempt, Ending ending);

}  // namespace muster::jobs
