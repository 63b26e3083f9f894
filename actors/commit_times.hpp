// How long commits take, counted where they are settled and read from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace muster::actors {

/// Entries by the time from their proposal until they were durable, and the sum of these times.
class CommitTimes {
public:
  /// Upper bounds of the buckets, in seconds; one more bucket holds what took longer.
  static constexpr std::array<double, 14> bounds{.0001, .00025, .0005, .001, .0025, .005, .01,
                                                 .025,  .05,    .1,    .25,  .5,    1,    2.5};
  struct Counts {
    std::array<uint64_t, bounds.size() + 1> buckets{};  ///< Each for itself, not summed up.
    uint64_t sum_ns = 0;
  };

  void observe(std::chrono::nanoseconds took) {
    const auto seconds = std::chrono::duration<double>(took).count();
    size_t bucket = 0;
    while (bucket < bounds.size() && seconds > bounds[bucket]) bucket++;
    buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(static_cast<uint64_t>(took.count()), std::memory_order_relaxed);
  }
  [[nodiscard]] Counts counts() const {
    Counts all;
    for (size_t i = 0; i < buckets_.size(); i++) all.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    all.sum_ns = sum_ns_.load(std::memory_order_relaxed);
    return all;
  }

private:
  std::array<std::atomic<uint64_t>, bounds.size() + 1> buckets_{};
  std::atomic<uint64_t> sum_ns_{0};
};

}  // namespace muster::actors
