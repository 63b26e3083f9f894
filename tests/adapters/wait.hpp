// Values that another thread delivers, waited for with a deadline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

/// Collects values; wait_for() is true as soon as `done` holds for them, false after ten seconds.
template <class T>
class Mailbox {
public:
  void put(T value) {
    {
      const std::lock_guard lock(mutex_);
      values_.push_back(std::move(value));
    }
    changed_.notify_all();
  }

  bool wait_for(const std::function<bool(const std::vector<T>&)>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return done(values_); });
  }

  bool wait_for_size(size_t n) {
    return wait_for([n](const auto& values) { return values.size() >= n; });
  }

  std::vector<T> all() {
    const std::lock_guard lock(mutex_);
    return values_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};
