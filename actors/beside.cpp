// One thing at a time, on a thread of its own.
#include "actors/beside.hpp"

#include <utility>

namespace muster::actors {

Beside::~Beside() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Beside::run(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    work_ = std::move(work);
    busy_ = true;
  }
  changed_.notify_all();
}

void Beside::join() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return !busy_; });
}

void Beside::live() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || work_; });
    if (!work_) return;
    const auto work = std::exchange(work_, nullptr);
    lock.unlock();
    work();
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace muster::actors
