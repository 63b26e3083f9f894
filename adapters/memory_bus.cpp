// Routing and bounded queues of the in-process bus, and when they are written.
#include "adapters/memory_bus.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "adapters/bus_listener.hpp"
#include "adapters/topic.hpp"
#include "domain/broker_rules.hpp"

namespace muster {
namespace {

using environment::Ask;
using environment::Ensured;

constexpr int kMaxHops = 8;             // A message dead-lettered in a circle ends here.
constexpr size_t kMaxCopies = 100'000;  // And one that spreads on its way.

Error unknown(std::string_view kind, std::string_view name) {
  return Error{"bus.unknown", "there is no " + std::string(kind) + " named \"" + std::string(name) + "\""};
}

Error full(std::string_view what, size_t limit) {
  return Error{"bus.limit", "the bus holds " + std::to_string(limit) + " " + std::string(what) + " already"};
}

}  // namespace

MemoryBus::MemoryBus(std::string exchange, MemoryBusLimits limits, Now now)
  : exchange_(std::move(exchange)), limits_(limits), now_(std::move(now)), keys_(limits.remembered_keys) {
  exchanges_ = {{"", "direct"}, {"amq.direct", "direct"}, {"amq.fanout", "fanout"}, {"amq.topic", "topic"}};
  exchanges_.emplace(exchange_, "topic");
}

MemoryBus::~MemoryBus() = default;

Result<std::unique_ptr<MemoryBus>> MemoryBus::open(log::Disk& disk, std::string exchange,
                                                   MemoryBusLimits limits, Now now) {
  auto bus = std::make_unique<MemoryBus>(std::move(exchange), limits, std::move(now));
  bus->disk_ = &disk;
  try {
    bus->read_back();
  } catch (const log::Unreadable& unreadable) {
    return unreadable.error();
  }
  return bus;
}

Result<Ensured> MemoryBus::ensure_exchange(const profile::Exchange& exchange, const Ask& ask) {
  if (auto status = broker::check(exchange); !status) return status.error();
  const std::lock_guard lock(mutex_);
  if (const auto found = exchanges_.find(exchange.name); found != exchanges_.end()) {
    if (found->second == exchange.type) return broker::in_sync();
    return broker::incompatible("it exists as " + found->second, to_json(exchange),
                                to_json(profile::Exchange{exchange.name, found->second}));
  }
  if (exchanges_.size() >= limits_.exchanges) return full("exchanges", limits_.exchanges);
  if (!ask.dry_run) {
    if (auto status = settle(); !status) return status.error();
    exchanges_.emplace(exchange.name, exchange.type);
    shelf_.put_exchange(exchange.name, exchange.type);
    if (auto status = write(); !status) return status.error();
  }
  return broker::added("the exchange", to_json(exchange), ask);
}

Result<Ensured> MemoryBus::ensure_queue(const profile::Queue& queue, const Ask& ask) {
  if (auto status = broker::check(queue); !status) return status.error();
  const std::lock_guard lock(mutex_);
  if (const auto found = queues_.find(queue.name); found != queues_.end()) {
    const auto& spec = found->second.spec;
    if (spec == queue) return broker::in_sync();
    return broker::incompatible(
      "it exists with ttl " + std::to_string(spec.ttl) + ", dlx \"" + spec.dlx + "\"", to_json(queue),
      to_json(spec));
  }
  if (queues_.size() >= limits_.queues) return full("queues", limits_.queues);
  if (!ask.dry_run) {
    if (auto status = settle(); !status) return status.error();
    auto& made = queues_[queue.name];
    made.spec = queue;
    made.number = next_number_++;
    shelf_.put_queue(queue, made.number);
    if (auto status = write(); !status) return status.error();
  }
  return broker::added("the queue", to_json(queue), ask);
}

Result<Ensured> MemoryBus::ensure_binding(const profile::Binding& binding, const Ask& ask) {
  if (auto status = broker::check(binding); !status) return status.error();
  const std::lock_guard lock(mutex_);
  if (!ask.dry_run) {
    if (!exchanges_.contains(binding.exchange)) return unknown("exchange", binding.exchange);
    if (!queues_.contains(binding.queue)) return unknown("queue", binding.queue);
  }
  const auto found = bindings_.find(binding.exchange);
  if (found != bindings_.end() && found->second.contains({binding.key, binding.queue}))
    return broker::in_sync();
  if (binding_count_ >= limits_.bindings) return full("bindings", limits_.bindings);
  if (!ask.dry_run) {
    if (auto status = settle(); !status) return status.error();
    bindings_[binding.exchange].insert({binding.key, binding.queue});
    binding_count_++;
    if (binding.exchange == exchange_) wanted_ = true;
    shelf_.put_binding(binding);
    if (auto status = write(); !status) return status.error();
  }
  return broker::added("the binding", to_json(binding), ask);
}

Result<Ensured> MemoryBus::remove_binding(const profile::Binding& binding, const Ask& ask) {
  if (auto status = broker::check(binding); !status) return status.error();
  const std::lock_guard lock(mutex_);
  const auto bound = bindings_.find(binding.exchange);
  if (bound == bindings_.end() || !bound->second.contains({binding.key, binding.queue}))
    return broker::in_sync();
  if (!ask.dry_run) {
    if (auto status = settle(); !status) return status.error();
    bound->second.erase({binding.key, binding.queue});
    binding_count_--;
    shelf_.erase_binding(binding);
    if (auto status = write(); !status) return status.error();
  }
  return broker::removed("the binding", to_json(binding), ask);
}

std::vector<Status> MemoryBus::publish_many(const std::vector<BusMessage>& messages) {
  std::vector<Status> statuses;
  statuses.reserve(messages.size());
  Status kept = Done{};
  {
    const std::lock_guard lock(mutex_);
    kept = settle();
    if (kept) {
      for (const auto& message : messages) statuses.push_back(take_in(message));
      kept = write();
    }
  }
  if (kept) kept = make_durable();
  if (kept) return statuses;
  statuses.resize(messages.size(), kept);
  for (auto& status : statuses)
    if (status) status = kept;
  return statuses;
}

Status MemoryBus::take_in(const BusMessage& message) {
  if (auto status = broker::check_message(message.topic, message.idempotency_key, message.body.size(),
                                          limits_.message_bytes);
      !status)
    return status;
  if (!exchanges_.contains(message.exchange)) return unknown("exchange", message.exchange);
  if (keys_.knows(message.idempotency_key)) return Done{};
  const auto held = std::make_shared<HeldMessage>(HeldMessage{message});
  const size_t queues = route(message.exchange, held, 0);
  route_dead_letters();
  if (queues == 0 && message.required)
    return Error{"bus.unrouted",
                 "no queue of exchange \"" + message.exchange + "\" takes \"" + message.topic + "\""};
  if (const auto number = keys_.add(message.idempotency_key); number && queues > 0)
    shelf_.put_key(*number, message.idempotency_key);
  if (const auto number = keys_.forget_beyond_limit()) shelf_.erase_key(*number);
  if (message.exchange == exchange_) {
    const BusListener::Shared shared{held, &held->message};
    subscribers_.each([&](BusListener& listener) { listener.offer(shared); });
  }
  return Done{};
}

size_t MemoryBus::route(const std::string& exchange, const Held& held, int hops) {
  if (hops > kMaxHops) return 0;
  const auto& topic = held->message.topic;
  std::set<std::string> targets;  // A queue bound twice gets one copy.
  if (exchange.empty()) {
    targets.insert(topic);
  } else {
    const auto type = exchanges_.find(exchange);
    const auto bound = bindings_.find(exchange);
    if (type == exchanges_.end() || bound == bindings_.end()) return 0;
    for (const auto& [key, queue] : bound->second)
      if (type->second == "fanout" || (type->second == "direct" && key == topic) ||
          (type->second == "topic" && topic_matches(key, topic)))
        targets.insert(queue);
  }
  size_t reached = 0;
  for (const auto& target : targets)
    if (const auto queue = queues_.find(target); queue != queues_.end()) {
      reached++;
      enqueue(queue->second, held, hops);
    }
  return reached;
}

void MemoryBus::enqueue(Queue& queue, const Held& held, int hops) {
  expire(queue);
  const Time expires = queue.spec.ttl > 0 ? now_() + std::chrono::seconds{queue.spec.ttl} : Time::max();
  if (held->holders++ == 0) {
    held->number = next_number_++;
    shelf_.put_message(*held);
  }
  queue.messages.push_back({held, next_number_++, expires, hops});
  shelf_.put_place(queue.number, queue.messages.back());
  queue.bytes += held->message.body.size();
  byte_count_ += held->message.body.size();
  message_count_++;
  trim(queue);
}

void MemoryBus::trim(Queue& queue) {
  while (queue.messages.size() > limits_.queue_messages || queue.bytes > limits_.queue_bytes) {
    queue.dropped++;
    drop_oldest(queue);
  }
  while (message_count_ > limits_.all_messages || byte_count_ > limits_.all_bytes) {
    auto& most = std::max_element(queues_.begin(), queues_.end(), [this](const auto& a, const auto& b) {
                   const auto weight = [this](const Queue& q) {
                     return double(q.messages.size()) / double(limits_.all_messages) +
                            double(q.bytes) / double(limits_.all_bytes);
                   };
                   return weight(a.second) < weight(b.second);
                 })->second;
    most.dropped++;
    (void)remove_oldest(most);  // To nobody: dead letters would take as much.
  }
}

HeldPlace MemoryBus::remove_oldest(Queue& queue) {
  HeldPlace oldest = std::move(queue.messages.front());
  queue.messages.pop_front();
  shelf_.erase_place(queue.number, oldest.at);
  const size_t bytes = oldest.held->message.body.size();
  queue.bytes -= bytes;
  byte_count_ -= bytes;
  message_count_--;
  if (--oldest.held->holders == 0) shelf_.erase_message(oldest.held->number);
  return oldest;
}

void MemoryBus::drop_oldest(Queue& queue) {
  HeldPlace oldest = remove_oldest(queue);
  if (!queue.spec.dlx.empty())
    dead_letters_.push_back({queue.spec.dlx, std::move(oldest.held), oldest.hops + 1});
}

void MemoryBus::route_dead_letters() {
  for (size_t copies = 0; !dead_letters_.empty() && copies < kMaxCopies;) {
    const auto [exchange, held, hops] = std::move(dead_letters_.front());
    dead_letters_.pop_front();
    copies += 1 + route(exchange, held, hops);
  }
  dead_letters_.clear();
}

void MemoryBus::expire(Queue& queue) {
  const Time now = now_();
  while (!queue.messages.empty() && queue.messages.front().expires <= now) drop_oldest(queue);
}

void MemoryBus::expire_all() {
  for (auto& each : queues_) {
    expire(each.second);
    route_dead_letters();
  }
}

Result<std::optional<BusMessage>> MemoryBus::take(std::string_view queue) {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return unknown("queue", queue);
  expire_all();  // What expired elsewhere may have been dead-lettered here.
  std::optional<BusMessage> taken;
  if (!found->second.messages.empty()) taken = remove_oldest(found->second).held->message;
  (void)write();  // When it fails it is written with the next message, or the message comes again.
  return taken;
}

std::map<std::string, uint64_t> MemoryBus::queues() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, uint64_t> all;
  for (const auto& [name, queue] : queues_) all.emplace(name, queue.messages.size());
  return all;
}

Result<QueueDepth> MemoryBus::depth(std::string_view queue) {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return unknown("queue", queue);
  expire_all();
  (void)write();
  return QueueDepth{found->second.messages.size(), found->second.dropped};
}

Result<std::unique_ptr<Subscription>> MemoryBus::subscribe(std::string_view pattern, OnMessage callback) {
  const std::lock_guard lock(mutex_);
  return subscribers_.add(pattern, [&] {
    wanted_ = true;
    return Result<std::shared_ptr<BusListener>>{std::make_shared<BusListener>(
      std::string(pattern), std::move(callback), limits_.queue_messages, limits_.queue_bytes)};
  });
}

}  // namespace muster
