// How long something takes: counted where it is done, read from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace muster {

/// Durations in buckets with the upper bounds `Bounds`, in `Unit`; one more bucket holds what took longer.
template <const auto& Bounds, class Unit>
class Durations {
public:
  struct Counts {
    std::array<uint64_t, Bounds.size() + 1> buckets{};  ///< Each for itself, not summed up.
    double sum = 0;                                     ///< In `Unit`.
  };

  void observe(std::chrono::nanoseconds took) {
    const auto length = Unit{took}.count();
    size_t bucket = 0;
    while (bucket < Bounds.size() && length > Bounds[bucket]) bucket++;
    buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(took.count(), std::memory_order_relaxed);
  }
  [[nodiscard]] Counts counts() const {
    Counts all;
    for (size_t i = 0; i < buckets_.size(); i++) all.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    all.sum = Unit{std::chrono::nanoseconds{sum_ns_.load(std::memory_order_relaxed)}}.count();
    return all;
  }

private:
  std::array<std::atomic<uint64_t>, Bounds.size() + 1> buckets_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace muster
