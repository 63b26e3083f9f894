// Conditions that come true on other threads or in other processes, waited for with a deadline.
#pragma once

#include <chrono>
#include <thread>

namespace muster {

/// Whether `condition` holds within `within`; looked at again and again.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds within = std::chrono::seconds{60}) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace muster
