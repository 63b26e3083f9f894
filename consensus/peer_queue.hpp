// What waits to be sent to a peer by one of its lanes: bounded, and never old.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace muster::consensus {

/// Thread-safe. What was taken counts until sent() is called, so the limits hold for all that is in memory.
class PeerQueue {
public:
  using Clock = std::chrono::steady_clock;
  struct Limits {
    size_t bytes = 0, frames = 0;
  };
  explicit PeerQueue(Limits limits) : limits_(limits) {}

  enum class Pushed : uint8_t { waits, first, full };
  /// `first`: nothing waited, so that nobody may be about to take it. `full`: the frame is dropped.
  Pushed push(uint8_t kind, std::string_view body, Clock::time_point now);

  /// All that waits, as bytes of frames.
  [[nodiscard]] std::string take();
  /// What was taken is on its way, or lost.
  void sent();
  /// Drops what waits when its first frame came before `then`; the number of frames.
  size_t drop_older_than(Clock::time_point then);
  [[nodiscard]] size_t bytes() const;

private:
  mutable std::mutex mutex_;
  const Limits limits_;
  std::string waiting_;
  Clock::time_point since_{};  ///< When the first of them came.
  size_t frames_ = 0, taken_bytes_ = 0, taken_frames_ = 0;
};

}  // namespace muster::consensus
