// Waiting, telling.
#include "actors/ticker.hpp"

#include <utility>

namespace muster::actors {

Ticker::Ticker(std::chrono::milliseconds every, std::function<void()> tick)
  : every_(every),
    tick_(std::move(tick)),
    due_(std::chrono::steady_clock::now() + every),
    thread_([this] { live(); }) {}

Ticker::~Ticker() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

/// Wakes nobody: the thread sleeps for a whole interval anyway, and looks then.
void Ticker::taken() {
  const std::lock_guard lock{mutex_};
  due_ = std::chrono::steady_clock::now() + every_;
  told_ = false;
}

void Ticker::live() {
  std::unique_lock lock{mutex_};
  while (!stop_) {
    const auto now = std::chrono::steady_clock::now();
    if (told_ || now < due_) {
      changed_.wait_until(lock, told_ ? now + every_ : due_);
      continue;
    }
    told_ = true;
    lock.unlock();
    tick_();
    lock.lock();
  }
}

}  // namespace muster::actors
