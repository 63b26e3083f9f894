// The bus inside the process: real exchanges, bounded queues, confirms; nothing survives a restart.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "adapters/ports/event_bus.hpp"
#include "base/time.hpp"

namespace muster {

/// Every limit of the in-process bus.
struct MemoryBusLimits {
  size_t queue_messages = 10'000;
  size_t queue_bytes = 64 * 1024 * 1024;
  size_t message_bytes = 1024 * 1024;
  size_t exchanges = 1'000;
  size_t queues = 1'000;
  size_t bindings = 10'000;
  size_t subscriptions = 64;
  size_t remembered_keys = 65'536;
};

class MemoryBus : public EventBus {
public:
  explicit MemoryBus(std::string exchange = "events", MemoryBusLimits limits = {}, Now now = system_now);
  ~MemoryBus() override;

  Status ensure_exchange(const profile::Exchange& exchange) override;
  Status ensure_queue(const profile::Queue& queue) override;
  Status ensure_binding(const profile::Binding& binding) override;
  [[nodiscard]] bool wanted() const override { return wanted_; }
  Status publish(std::string_view topic, std::string_view body, std::string_view idempotency_key) override;
  Status publish_to(std::string_view exchange, std::string_view topic, std::string_view body,
                    std::string_view idempotency_key) override;
  Result<std::unique_ptr<Subscription>> subscribe(std::string_view pattern, OnMessage callback) override;
  Result<std::optional<BusMessage>> take(std::string_view queue) override;
  Result<QueueDepth> depth(std::string_view queue) override;

private:
  using Shared = std::shared_ptr<const BusMessage>;
  class Listener;
  struct Stored {
    Shared message;
    Time expires{};
    int hops = 0;
  };
  struct Queue {
    profile::Queue spec;
    std::deque<Stored> messages;
    size_t bytes = 0;
    uint64_t dropped = 0;
  };

  [[nodiscard]] bool seen_before(std::string_view key);
  void route(const std::string& exchange, const Shared& message, int hops);
  void enqueue(Queue& queue, const Shared& message, int hops);
  void drop_oldest(Queue& queue);
  void expire(Queue& queue);

  const std::string exchange_;
  const MemoryBusLimits limits_;
  const Now now_;
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> exchanges_;  // name -> type
  std::map<std::string, Queue, std::less<>> queues_;
  std::map<std::string, std::set<std::pair<std::string, std::string>>> bindings_;  // exchange -> key, queue
  size_t binding_count_ = 0;
  std::vector<std::weak_ptr<Listener>> listeners_;
  std::atomic<bool> wanted_{false};  // Something was bound or subscribed once.
  std::unordered_set<std::string> keys_;
  std::deque<std::string> keys_in_order_;
};

}  // namespace muster
