// Overlay events: what the log and the heartbeats say, told on the bus (supervisor contract, section 13).
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/ports/event_bus.hpp"
#include "domain/nodes.hpp"
#include "events/line.hpp"

namespace muster::app {

class Overlay {
public:
  /// What waits for the bus, at most: beyond, the oldest are given up, which is logged.
  static constexpr size_t kMostWaiting = 65'536, kMostBytes = 64 * 1024 * 1024;
  static constexpr size_t kAtOnce = 512;  ///< Messages that are handed to the bus together.

  Overlay(std::shared_ptr<EventBus> bus, std::string prefix, std::string service);
  ~Overlay();  ///< What waits is still published.
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  // Neither waits for the bus, which may have to sync: a thread of its own publishes.

  /// A committed record; its message id is `cluster/seq`, so that a repetition is known as one.
  void tell(const Record& record, const std::string& cluster);
  /// A node was heard: a heartbeat, or a registration that changed nothing. Telemetry: no message id.
  void heard(const nodes::Command& command, Time now);

private:
  void publish(std::string_view name, std::string body, Time at, std::string_view id);
  void live();

  std::shared_ptr<EventBus> bus_;
  std::string prefix_, service_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<BusMessage> waiting_;
  size_t bytes_ = 0;  // Of the bodies that wait.
  uint64_t given_up_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::app
