// The thread on which a node fetches sources, one after the other: two never write to one checkout.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "app/config/config.hpp"
#include "app/jobs/node_policy.hpp"
#include "app/jobs/source_adding.hpp"

namespace muster::app {

class SourceWorker {
public:
  using Then = std::function<void(Result<sources::Added>)>;
  using Current = std::function<std::optional<sources::Added>(const std::string& name)>;
  /// Has a pin recorded, of the source as `of` has it.
  using Pin = std::function<void(const sources::Added& of, const sources::Pinned& pin)>;
  static constexpr size_t kMaxWaiting = 16;

  /// `current` tells what is recorded under a name now.
  SourceWorker(
    SourceSettings settings, Current current, Pin pin = [](const sources::Added&, const sources::Pinned&) {});
  SourceWorker(const SourceWorker&) = delete;
  SourceWorker& operator=(const SourceWorker&) = delete;
  ~SourceWorker();

  /// Any thread; `then` is called on the worker's, or at once with `rate.limited` when kMaxWaiting wait.
  void add(jobs::Source source, Then then);
  /// Fetches what is recorded under this name, unless it is here, or was in vain just now. Any thread.
  void bring(const std::string& name);
  /// A run of this source succeeded here: pins its image, if it has no digest yet. Any thread.
  void succeeded(const std::string& name);
  /// Cuts short what is fetched; it, what waits and what comes later is answered with an error.
  void stop();

private:
  void live();
  void add_next(std::unique_lock<std::mutex>& lock);
  void bring_next(std::unique_lock<std::mutex>& lock);
  void pin_next(std::unique_lock<std::mutex>& lock);

  const SourceAdding adding_;
  const Current current_;
  const Pin pin_;
  Cancellation cancellation_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<jobs::Source, Then>> waiting_;
  std::set<std::string> unpinned_;  // Names, to be pinned before anything is pulled: it would be that then.
  std::set<std::string> missing_;   // To be fetched once nothing waits.
  std::map<std::string, std::chrono::steady_clock::time_point> in_vain_until_;
  bool stop_ = false;
  std::thread thread_;
};

/// What a node's settings say of sources. `data` is its data folder.
[[nodiscard]] SourceSettings source_settings(const config::Config& config, const std::string& data,
                                             const std::string& node, NodePolicy policy);

}  // namespace muster::app
