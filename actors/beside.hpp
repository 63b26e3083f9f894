// A thread beside an actor's, for one thing at a time that would block it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace muster::actors {

/// run() and join() from one thread.
class Beside {
public:
  Beside() : thread_([this] { live(); }) {}
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside();

  /// What was given before is done.
  void run(std::function<void()> work);
  /// Waits until what was given is done.
  void join();

private:
  void live();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool busy_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace muster::actors
