// One subscriber of the in-process bus: a bounded queue and a thread of its own, so that a slow one delays
// nobody.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/ports/event_bus.hpp"

namespace muster {

class BusListener {
public:
  using Shared = std::shared_ptr<const BusMessage>;

  /// The oldest messages go when more wait than these. Starts its thread.
  BusListener(std::string pattern, EventBus::OnMessage callback, size_t max_messages, size_t max_bytes);

  /// No callback begins afterwards, a running one is waited for. Not to be called inside it; once.
  void stop();
  /// Takes it when its topic matches.
  void offer(const Shared& message);
  [[nodiscard]] uint64_t dropped();

private:
  void run();

  const std::string pattern_;
  const EventBus::OnMessage callback_;
  const size_t max_messages_, max_bytes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Shared> waiting_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster
