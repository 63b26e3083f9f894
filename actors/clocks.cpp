// Comparing clocks.
#include "actors/clocks.hpp"

#include <algorithm>

namespace muster {

void HeardClock::heard(Time wall, Steady at) {
  ahead_of_steady_.at(count_ % kKept) = wall.time_since_epoch() - at.time_since_epoch();
  count_++;
}

Millis HeardClock::ahead(Time wall, Steady at) const {
  const auto* end = ahead_of_steady_.data() + std::min(count_, kKept);
  const auto fastest = *std::max_element(ahead_of_steady_.data(), end);
  return std::chrono::duration_cast<Millis>(fastest - (wall.time_since_epoch() - at.time_since_epoch()));
}

std::optional<Millis> clock_off(std::vector<Millis> others, size_t voters) {
  if ((others.size() + 1) * 2 <= voters + 1) return std::nullopt;
  auto& all = others;
  all.emplace_back(0);
  std::sort(all.begin(), all.end());
  const auto upper = all[all.size() / 2], lower = all[(all.size() - 1) / 2];
  const auto nearer = std::chrono::abs(lower) < std::chrono::abs(upper) ? lower : upper;
  return -nearer;
}

bool clock_allows(std::optional<Millis> off, bool before) {
  return !off || std::chrono::abs(*off) <= (before ? kMostClockOff : kClockGoodAgain);
}

}  // namespace muster
