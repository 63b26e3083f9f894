// Being told when plans or the profile may be other ones, by the control plane's events.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/http_client.hpp"

namespace muster::app {

/// Follows one control plane on a thread of its own. Who does not give events (another kind of control plane,
/// a credential that may not read, too many who follow) is asked again some minutes later: whoever uses this
/// polls as well.
class PlanWatch {
public:
  /// `changed`: on the watch's thread, must be quick.
  explicit PlanWatch(std::function<void()> changed);
  ~PlanWatch();
  PlanWatch(const PlanWatch&) = delete;
  PlanWatch& operator=(const PlanWatch&) = delete;

  /// From now on follows the one at `base.url` (without a path; credentials and trust as in `base`), from
  /// after `seq` on; nothing changes when it is followed already. Any thread.
  void watch(HttpRequest base, uint64_t seq);

private:
  void loop();
  void follow(const HttpRequest& base, uint64_t seq);

  const std::function<void()> changed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  HttpRequest base_;
  uint64_t seq_ = 0;
  bool wanted_ = false, stopping_ = false;
  std::string followed_;  ///< The URL; empty: none is.
  std::string refused_;   ///< The URL that gives no events.
  std::chrono::steady_clock::time_point refused_until_{};
  HttpClient client_;
  std::thread thread_;
};

}  // namespace muster::app
