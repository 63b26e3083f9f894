// A thread that says at even intervals that time has passed. Timers of the actor system wake two threads for
// each time, which is most of what an idle node would do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace muster::actors {

class Ticker {
public:
  /// Calls `tick` on its own thread, again only after taken().
  Ticker(std::chrono::milliseconds every, std::function<void()> tick);
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  ~Ticker();

  /// What the last tick was about is done; the next one is due a whole interval from now.
  void taken();

private:
  void live();

  const std::chrono::milliseconds every_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::chrono::steady_clock::time_point due_;
  bool told_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace muster::actors
