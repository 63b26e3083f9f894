// Chance, where nothing depends on what it gives: so that not everybody comes at once.
#pragma once

#include <random>

#include "base/time.hpp"

namespace muster {

/// At least 0, below 1.
[[nodiscard]] inline double chance() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<>{0, 1}(random);
}

/// Half of it to all of it.
[[nodiscard]] inline Millis jittered(Millis pause) {
  return pause - Millis{static_cast<int64_t>(static_cast<double>(pause.count()) / 2 * chance())};
}

}  // namespace muster
