// Threads that do what they are given, in the order in which it came.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace muster::app {

class TaskThreads {
public:
  using Task = std::function<void()>;

  TaskThreads(size_t threads, size_t most) : count_(threads), most_(most) {}
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;
  ~TaskThreads();

  void start();
  /// What waits is dropped; what is being done is waited for.
  void stop();

  /// Any thread. False when `most` tasks wait; after stop() it is dropped.
  bool add(Task task);

private:
  void live();

  const size_t count_, most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace muster::app
