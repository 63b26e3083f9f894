// The thread on which a node fetches sources, one after the other: two never write to one checkout.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "app/config/config.hpp"
#include "app/jobs/node_policy.hpp"
#include "app/jobs/source_adding.hpp"

namespace muster::app {

class SourceWorker {
public:
  using Then = std::function<void(Result<sources::Added>)>;
  static constexpr size_t kMaxWaiting = 16;

  explicit SourceWorker(SourceSettings settings);
  SourceWorker(const SourceWorker&) = delete;
  SourceWorker& operator=(const SourceWorker&) = delete;
  ~SourceWorker();

  /// Any thread; `then` is called on the worker's, or at once with `rate.limited` when kMaxWaiting wait.
  void add(jobs::Source source, Then then);
  /// Cuts short what is fetched; it, what waits and what comes later is answered with an error.
  void stop();

private:
  void live();

  const SourceAdding adding_;
  Cancellation cancellation_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<jobs::Source, Then>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

/// What a node's settings say of sources. `data` is its data folder.
[[nodiscard]] SourceSettings source_settings(const config::Config& config, const std::string& data,
                                             const std::string& node, NodePolicy policy);

}  // namespace muster::app
