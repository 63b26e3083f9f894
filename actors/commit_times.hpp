// How long commits take, counted where they are settled.
#pragma once

#include <array>

#include "base/durations.hpp"

namespace muster::actors {

inline constexpr std::array<double, 14> kCommitSeconds{.0001, .00025, .0005, .001, .0025, .005, .01,
                                                       .025,  .05,    .1,    .25,  .5,    1,    2.5};
/// Entries by the time from their proposal until they were durable, in seconds.
using CommitTimes = Durations<kCommitSeconds, std::chrono::duration<double>>;

}  // namespace muster::actors
