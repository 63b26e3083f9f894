// Virtual time: events in the order of their time, and of equal times in the order they were asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

namespace muster::sim {

class Clock {
public:
  [[nodiscard]] uint64_t now() const { return now_; }
  void later(uint64_t ms, std::function<void()> task) { due_.push({now_ + ms, order_++, std::move(task)}); }
  /// Runs the next event that is due by `until`; false when there is none, and it is then `until`.
  bool step(uint64_t until) {
    if (due_.empty() || due_.top().at > until) return now_ = until, false;
    now_ = due_.top().at;
    const auto task = std::move(due_.top().task);
    due_.pop();
    task();
    return true;
  }
  /// What was to come does not.
  void clear() {
    while (!due_.empty()) {
      const auto task = std::move(due_.top().task);  // Its end may put off something else.
      due_.pop();
    }
  }

private:
  struct Due {
    uint64_t at = 0, order = 0;
    mutable std::function<void()> task;  // A queue shows its first as constant, also to who takes it.
    bool operator<(const Due& other) const { return std::pair{at, order} > std::pair{other.at, other.order}; }
  };
  uint64_t now_ = 0, order_ = 0;
  std::priority_queue<Due> due_;
};

/// Everything that is left to chance, from one seed; the same on every machine.
class Chance {
public:
  explicit Chance(uint64_t seed) : source_(seed) {}
  bool hits(double chance) { return double(source_() >> 11) / double(uint64_t{1} << 53) < chance; }
  /// from <= n < below.
  int random(int from, int below) { return from + static_cast<int>(source_() % uint64_t(below - from)); }
  unsigned ms(int from, int below) { return static_cast<unsigned>(random(from, below)); }

private:
  std::mt19937_64 source_;
};

}  // namespace muster::sim
