// Whose wall clock is off: what members learn of each other's clocks, and what follows for leading.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace muster {

/// A node whose clock is off by more does not lead (event times come from who leads) ...
constexpr Millis kMostClockOff{2'000};
/// ... until it is off by less than this again, so that leadership does not go to and fro.
constexpr Millis kClockGoodAgain{1'500};

/// What another member said of its wall clock. A frame that was late makes that clock look slow, never fast:
/// of the last few the one that looks fastest counts.
class HeardClock {
public:
  using Steady = std::chrono::steady_clock::time_point;

  void heard(Time wall, Steady at);
  /// How far it is ahead of this node's wall clock, which says `wall`. Something was heard.
  [[nodiscard]] Millis ahead(Time wall, Steady at) const;

private:
  static constexpr size_t kKept = 5;
  std::array<std::chrono::nanoseconds, kKept> ahead_of_steady_{};
  size_t count_ = 0;
};

/// How far this node's clock is ahead of the median of the clocks of those who vote and can be reached, its
/// own among them. `others`: how far each of the others is ahead of this one; `voters`: how many others vote.
/// Nothing while those who can be reached are no majority. Of two clocks in the middle the one that is nearer
/// to this node's counts: two nodes alone cannot tell which of them is wrong.
[[nodiscard]] std::optional<Millis> clock_off(std::vector<Millis> others, size_t voters);

/// Whether a node may lead whose clock is off by that, and which may have led before.
[[nodiscard]] bool clock_allows(std::optional<Millis> off, bool before);

}  // namespace muster
