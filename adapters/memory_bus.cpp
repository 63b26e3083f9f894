// Routing, bounded queues and listeners of the in-process bus.
#include "adapters/memory_bus.hpp"

#include <algorithm>
#include <cassert>

#include "adapters/topic.hpp"

namespace muster {
namespace {

constexpr size_t kMaxName = 255;  // Names and routing keys, as in AMQP.
constexpr int kMaxHops = 8;       // A message dead-lettered in a circle ends here.

Error unknown(std::string_view kind, std::string_view name) {
  return Error{"bus.unknown", "there is no " + std::string(kind) + " named \"" + std::string(name) + "\""};
}

Error full(std::string_view what, size_t limit) {
  return Error{"bus.limit", "the bus holds " + std::to_string(limit) + " " + std::string(what) + " already"};
}

Error inequivalent(std::string_view name, const std::string& is) {
  return Error{"bus.inequivalent", "\"" + std::string(name) + "\" exists as " + is};
}

Status check_name(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxName) return Done{};
  return Error{"field.invalid", "a name on the bus has 1 to 255 bytes"};
}

}  // namespace

/// One subscriber: its own bounded queue and thread, so that a slow one delays nobody.
class MemoryBus::Listener {
public:
  Listener(std::string pattern, OnMessage callback, const MemoryBusLimits& limits)
    : pattern_(std::move(pattern)), callback_(std::move(callback)), limits_(limits) {}

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    assert(thread_.get_id() != std::this_thread::get_id());
    if (thread_.joinable()) thread_.join();
  }

  void offer(const Shared& message) {
    if (!topic_matches(pattern_, message->topic)) return;
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(message);
      bytes_ += message->body.size();
      while (waiting_.size() > limits_.queue_messages || bytes_ > limits_.queue_bytes) {
        bytes_ -= waiting_.front()->body.size();
        waiting_.pop_front();
        dropped_++;
      }
    }
    wake_.notify_one();
  }

  uint64_t dropped() {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      const auto message = std::move(waiting_.front());
      waiting_.pop_front();
      bytes_ -= message->body.size();
      lock.unlock();
      callback_(*message);
      lock.lock();
    }
  }

  const std::string pattern_;
  const OnMessage callback_;
  const MemoryBusLimits limits_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Shared> waiting_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

MemoryBus::MemoryBus(std::string exchange, MemoryBusLimits limits, Now now)
  : exchange_(std::move(exchange)), limits_(limits), now_(std::move(now)) {
  exchanges_ = {{"", "direct"}, {"amq.direct", "direct"}, {"amq.fanout", "fanout"}, {"amq.topic", "topic"}};
  exchanges_.emplace(exchange_, "topic");
}

MemoryBus::~MemoryBus() = default;

Status MemoryBus::ensure_exchange(const profile::Exchange& exchange) {
  if (auto status = check_name(exchange.name); !status) return status;
  if (exchange.type != "topic" && exchange.type != "direct" && exchange.type != "fanout")
    return Error{"field.invalid", "an exchange is topic, direct or fanout, not \"" + exchange.type + "\""};
  const std::lock_guard lock(mutex_);
  const auto found = exchanges_.find(exchange.name);
  if (found == exchanges_.end()) {
    if (exchanges_.size() >= limits_.exchanges) return full("exchanges", limits_.exchanges);
    exchanges_.emplace(exchange.name, exchange.type);
  } else if (found->second != exchange.type) {
    return inequivalent(exchange.name, found->second);
  }
  return Done{};
}

Status MemoryBus::ensure_queue(const profile::Queue& queue) {
  if (auto status = check_name(queue.name); !status) return status;
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(queue.name);
  if (found == queues_.end()) {
    if (queues_.size() >= limits_.queues) return full("queues", limits_.queues);
    queues_[queue.name].spec = queue;
  } else if (found->second.spec != queue) {
    const auto& spec = found->second.spec;
    return inequivalent(queue.name, "ttl " + std::to_string(spec.ttl) + ", dlx \"" + spec.dlx + "\"");
  }
  return Done{};
}

Status MemoryBus::ensure_binding(const profile::Binding& binding) {
  if (binding.key.size() > kMaxName) return Error{"field.invalid", "a routing key has at most 255 bytes"};
  const std::lock_guard lock(mutex_);
  if (binding.exchange.empty() || exchanges_.count(binding.exchange) == 0)
    return unknown("exchange", binding.exchange);
  if (queues_.count(binding.queue) == 0) return unknown("queue", binding.queue);
  auto& bound = bindings_[binding.exchange];
  if (bound.count({binding.key, binding.queue}) > 0) return Done{};
  if (binding_count_ >= limits_.bindings) return full("bindings", limits_.bindings);
  bound.insert({binding.key, binding.queue});
  binding_count_++;
  if (binding.exchange == exchange_) wanted_ = true;
  return Done{};
}

Status MemoryBus::publish(std::string_view topic, std::string_view body, std::string_view idempotency_key) {
  return publish_to(exchange_, topic, body, idempotency_key);
}

Status MemoryBus::publish_to(std::string_view exchange, std::string_view topic, std::string_view body,
                             std::string_view idempotency_key) {
  if (topic.size() > kMaxName) return Error{"field.invalid", "a topic has at most 255 bytes"};
  if (idempotency_key.size() > kMaxName)
    return Error{"field.invalid", "an idempotency key has at most 255 bytes"};
  if (body.size() > limits_.message_bytes)
    return Error{"bus.limit", "a message has at most " + std::to_string(limits_.message_bytes) + " bytes"};
  const auto message = std::make_shared<const BusMessage>(
    BusMessage{std::string(exchange), std::string(topic), std::string(body), std::string(idempotency_key)});
  const std::lock_guard lock(mutex_);
  if (exchanges_.find(exchange) == exchanges_.end()) return unknown("exchange", exchange);
  if (seen_before(idempotency_key)) return Done{};
  route(message->exchange, message, 0);
  if (exchange == exchange_)
    for (const auto& weak : listeners_)
      if (const auto listener = weak.lock()) listener->offer(message);
  return Done{};
}

bool MemoryBus::seen_before(std::string_view key) {
  if (key.empty() || limits_.remembered_keys == 0) return false;
  if (!keys_.emplace(key).second) return true;
  keys_in_order_.emplace_back(key);
  if (keys_in_order_.size() > limits_.remembered_keys) {
    keys_.erase(keys_in_order_.front());
    keys_in_order_.pop_front();
  }
  return false;
}

void MemoryBus::route(const std::string& exchange, const Shared& message, int hops) {
  if (hops > kMaxHops) return;
  std::set<std::string> targets;  // A queue bound twice gets one copy.
  if (exchange.empty()) {
    targets.insert(message->topic);
  } else {
    const auto type = exchanges_.find(exchange);
    const auto bound = bindings_.find(exchange);
    if (type == exchanges_.end() || bound == bindings_.end()) return;
    for (const auto& [key, queue] : bound->second)
      if (type->second == "fanout" || (type->second == "direct" && key == message->topic) ||
          (type->second == "topic" && topic_matches(key, message->topic)))
        targets.insert(queue);
  }
  for (const auto& target : targets)
    if (const auto queue = queues_.find(target); queue != queues_.end())
      enqueue(queue->second, message, hops);
}

void MemoryBus::enqueue(Queue& queue, const Shared& message, int hops) {
  expire(queue);
  const Time expires = queue.spec.ttl > 0 ? now_() + std::chrono::seconds{queue.spec.ttl} : Time::max();
  queue.messages.push_back({message, expires, hops});
  queue.bytes += message->body.size();
  while (queue.messages.size() > limits_.queue_messages || queue.bytes > limits_.queue_bytes) {
    queue.dropped++;
    drop_oldest(queue);
  }
}

void MemoryBus::drop_oldest(Queue& queue) {
  const Stored oldest = std::move(queue.messages.front());
  queue.messages.pop_front();
  queue.bytes -= oldest.message->body.size();
  if (!queue.spec.dlx.empty()) route(queue.spec.dlx, oldest.message, oldest.hops + 1);
}

void MemoryBus::expire(Queue& queue) {
  const Time now = now_();
  while (!queue.messages.empty() && queue.messages.front().expires <= now) drop_oldest(queue);
}

Result<std::optional<BusMessage>> MemoryBus::take(std::string_view queue) {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return unknown("queue", queue);
  for (auto& each : queues_) expire(each.second);  // What expired elsewhere may have been dead-lettered here.
  auto& messages = found->second.messages;
  if (messages.empty()) return std::optional<BusMessage>{};
  std::optional<BusMessage> taken = *messages.front().message;
  found->second.bytes -= taken->body.size();
  messages.pop_front();
  return taken;
}

Result<QueueDepth> MemoryBus::depth(std::string_view queue) {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return unknown("queue", queue);
  for (auto& each : queues_) expire(each.second);
  return QueueDepth{found->second.messages.size(), found->second.dropped};
}

Result<std::unique_ptr<Subscription>> MemoryBus::subscribe(std::string_view pattern, OnMessage callback) {
  class Held : public Subscription {
  public:
    explicit Held(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
    ~Held() override { listener_->stop(); }
    [[nodiscard]] uint64_t dropped() const override { return listener_->dropped(); }

  private:
    std::shared_ptr<Listener> listener_;
  };
  if (pattern.size() > kMaxName) return Error{"field.invalid", "a pattern has at most 255 bytes"};
  const std::lock_guard lock(mutex_);
  listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(),
                                  [](const auto& listener) { return listener.expired(); }),
                   listeners_.end());
  if (listeners_.size() >= limits_.subscriptions) return full("subscriptions", limits_.subscriptions);
  auto listener = std::make_shared<Listener>(std::string(pattern), std::move(callback), limits_);
  listener->start();
  listeners_.push_back(listener);
  wanted_ = true;
  return std::unique_ptr<Subscription>(std::make_unique<Held>(std::move(listener)));
}

}  // namespace muster
