// The bus inside the process: real exchanges, bounded queues, confirms; with a disk all of it but the
// subscribers survives a restart.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "adapters/bus_shelf.hpp"
#include "adapters/ports/event_bus.hpp"
#include "adapters/recent_keys.hpp"
#include "adapters/subscribers.hpp"
#include "base/time.hpp"

namespace muster {

/// Every limit of the in-process bus. A queue that is full drops its oldest message; when all of them
/// together hold too much, the one that holds most does.
struct MemoryBusLimits {
  size_t queue_messages = 10'000;
  size_t queue_bytes = 64 * 1024 * 1024;
  size_t all_messages = 200'000;
  size_t all_bytes = 256 * 1024 * 1024;
  size_t message_bytes = 1024 * 1024;
  size_t exchanges = profile::kMostKept;
  size_t queues = profile::kMostKept;
  size_t bindings = profile::kMostKept;
  size_t subscriptions = 64;
  size_t remembered_keys = 65'536;
};

class BusListener;

class MemoryBus : public Broker {
public:
  /// Nothing survives a restart.
  explicit MemoryBus(std::string exchange = "events", MemoryBusLimits limits = {}, Now now = system_now);
  /// What was there is there again, what was taken is not: but after a power cut, which may bring back what
  /// was taken last. `disk` outlives it. Error: `log.unwritable`, `log.corrupt`.
  static Result<std::unique_ptr<MemoryBus>> open(log::Disk& disk, std::string exchange = "events",
                                                 MemoryBusLimits limits = {}, Now now = system_now);
  ~MemoryBus() override;

  Result<environment::Ensured> ensure_exchange(const profile::Exchange& exchange,
                                               const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_queue(const profile::Queue& queue,
                                            const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_binding(const profile::Binding& binding,
                                              const environment::Ask& ask) override;
  Result<environment::Ensured> remove_binding(const profile::Binding& binding,
                                              const environment::Ask& ask) override;
  [[nodiscard]] const std::string& exchange() const override { return exchange_; }
  [[nodiscard]] bool wanted() const override { return wanted_; }
  std::vector<Status> publish_many(const std::vector<BusMessage>& messages) override;
  Result<std::unique_ptr<Subscription>> subscribe(std::string_view pattern, OnMessage callback) override;
  Result<std::optional<BusMessage>> take(std::string_view queue) override;
  Result<QueueDepth> depth(std::string_view queue) override;
  /// Its queues, and how many messages each holds.
  [[nodiscard]] std::map<std::string, uint64_t> queues();

private:
  using Held = std::shared_ptr<HeldMessage>;
  struct Queue {
    profile::Queue spec;
    uint64_t number = 0;
    std::deque<HeldPlace> messages;
    size_t bytes = 0;
    uint64_t dropped = 0;
  };

  struct DeadLetter {
    std::string exchange;
    Held held;
    int hops = 0;
  };

  void read_back();
  Status take_in(const BusMessage& message);
  size_t route(const std::string& exchange, const Held& held, int hops);
  void enqueue(Queue& queue, const Held& held, int hops);
  void trim(Queue& queue);
  HeldPlace remove_oldest(Queue& queue);
  void drop_oldest(Queue& queue);
  void route_dead_letters();
  void expire(Queue& queue);
  void expire_all();

  [[nodiscard]] Status settle();
  [[nodiscard]] Status write();
  [[nodiscard]] Status make_durable();
  void put_all();

  const std::string exchange_;
  const MemoryBusLimits limits_;
  const Now now_;
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> exchanges_;  // name -> type
  std::map<std::string, Queue, std::less<>> queues_;
  std::map<std::string, std::set<std::pair<std::string, std::string>>> bindings_;  // exchange -> key, queue
  size_t binding_count_ = 0, message_count_ = 0, byte_count_ = 0;
  std::deque<DeadLetter> dead_letters_;  // On their way.
  uint64_t next_number_ = 1;
  Subscribers<BusListener> subscribers_{limits_.subscriptions};
  std::atomic<bool> wanted_{false};  // Something was bound or subscribed once.
  RecentKeys keys_;

  log::Disk* disk_ = nullptr;
  BusShelf shelf_;
  bool stale_ = false;  // The disk failed: what it has is not what is here.
  uint64_t written_ = 0;
  std::mutex sync_mutex_;
  std::atomic<uint64_t> synced_{0};
};

}  // namespace muster
