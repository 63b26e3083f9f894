// Asks services for their health until they answer, on a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/http_client.hpp"
#include "domain/plan.hpp"

namespace muster::app {

class Prober {
public:
  using Healthy = std::function<void(const std::string& name, const std::string& run)>;
  /// `healthy` is called on the prober's thread, once for each run.
  explicit Prober(Healthy healthy);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Instead of what was asked of this service before.
  void ask(const std::string& name, const std::string& run, const plan::Health& health);
  void forget(const std::string& name);

private:
  using Clock = std::chrono::steady_clock;
  struct Question {
    std::string run;
    plan::Health health;
    Clock::time_point next;
  };
  void loop();
  void ask_one(std::unique_lock<std::mutex>& lock);

  Healthy healthy_;
  HttpClient client_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Question> questions_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::app
