// A member that hears nobody who leads asks whether it is a member still.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/joining.hpp"

namespace muster::app {

struct RemovalWatchOptions {
  std::function<bool()> alone;                                ///< Nobody who leads is heard.
  std::function<std::vector<std::string>()> members;          ///< Member ports of the others.
  std::function<Result<JoinAnswer>(const std::string&)> ask;  ///< One of them. Blocks.
  std::function<std::string()> cluster;                       ///< The cluster's id.
  std::function<void(const JoinAnswer& why)> removed;         ///< Once, on the watch's thread.
};

/// Asks one member after the other, on a thread of its own. Only whoever leads that very cluster can say that
/// this node was removed; no answer, or another one, says nothing.
class RemovalWatch {
public:
  explicit RemovalWatch(RemovalWatchOptions options);
  ~RemovalWatch();  ///< Waits for a question that is under way: some seconds at most.
  RemovalWatch(const RemovalWatch&) = delete;
  RemovalWatch& operator=(const RemovalWatch&) = delete;

  /// Something was read that looks like it: asks now, and until somebody who leads answers. Any thread.
  void suspect();

private:
  void loop();

  const RemovalWatchOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool suspected_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::app
