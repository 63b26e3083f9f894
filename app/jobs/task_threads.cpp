// A queue and its threads.
#include "app/jobs/task_threads.hpp"

namespace muster::app {

TaskThreads::~TaskThreads() {
  stop();
}

void TaskThreads::start() {
  for (size_t i = 0; i < count_; i++) threads_.emplace_back([this] { live(); });
}

void TaskThreads::stop() {
  std::deque<Task> dropped;  // Whoever waits is answered when its reply goes.
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    dropped.swap(tasks_);
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool TaskThreads::add(Task task) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return true;
    if (tasks_.size() >= most_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void TaskThreads::live() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace muster::app
