// How the in-process bus is written and read back.
#include <algorithm>
#include <map>
#include <set>

#include <spdlog/spdlog.h>

#include "adapters/memory_bus.hpp"

namespace muster {

void MemoryBus::read_back() {
  std::map<uint64_t, Queue*> numbered;
  std::map<uint64_t, Held> held;
  const auto used = [this](uint64_t number) { next_number_ = std::max(next_number_, number + 1); };
  BusShelf::Reader reader;
  reader.exchange = [&](std::string name, std::string type) {
    exchanges_.emplace(std::move(name), std::move(type));
  };
  reader.queue = [&](profile::Queue spec, uint64_t number) {
    auto& queue = queues_[spec.name];
    queue.spec = std::move(spec);
    queue.number = number;
    numbered[number] = &queue;
    used(number);
  };
  reader.binding = [&](profile::Binding binding) {
    if (binding.exchange == exchange_) wanted_ = true;
    if (bindings_[binding.exchange].insert({binding.key, binding.queue}).second) binding_count_++;
  };
  reader.message = [&](HeldMessage message) {
    used(message.number);
    held[message.number] = std::make_shared<HeldMessage>(std::move(message));
  };
  reader.place = [&](uint64_t number, uint64_t message, HeldPlace place) {
    const auto queue = numbered.find(number);
    const auto found = held.find(message);
    if (queue == numbered.end() || found == held.end()) return;
    used(place.at);
    place.held = found->second;
    place.held->holders++;
    queue->second->bytes += place.held->message.body.size();
    byte_count_ += place.held->message.body.size();
    message_count_++;
    queue->second->messages.push_back(std::move(place));
  };
  reader.key = [&](uint64_t number, std::string key) { keys_.add(key, number); };
  if (const size_t odd = BusShelf::read(*disk_, reader); odd > 0)
    spdlog::warn("{} rows of the in-process bus cannot be read and are left out", odd);
  for (auto& each : queues_) trim(each.second);
  route_dead_letters();
  (void)write();
}

Status MemoryBus::settle() {
  if (!stale_) return Done{};
  if (auto status = disk_->write({}, true); !status)
    return status;  // It still fails: nothing is built for it.
  put_all();
  stale_ = false;
  return write();
}

void MemoryBus::put_all() {
  shelf_.erase_all();
  for (const auto& [name, type] : exchanges_) shelf_.put_exchange(name, type);
  for (const auto& [exchange, bound] : bindings_)
    for (const auto& [key, queue] : bound) shelf_.put_binding({exchange, queue, key});
  std::set<uint64_t> put;
  for (const auto& [name, queue] : queues_) {
    shelf_.put_queue(queue.spec, queue.number);
    for (const auto& place : queue.messages) {
      if (put.insert(place.held->number).second) shelf_.put_message(*place.held);
      shelf_.put_place(queue.number, place);
    }
  }
  for (const auto& [number, key] : keys_.in_order()) shelf_.put_key(number, key);
}

Status MemoryBus::write() {
  const auto batch = shelf_.take_changes();
  if (disk_ == nullptr || batch.empty()) return Done{};
  if (stale_) return Done{};  // settle() writes it with everything else.
  auto status = disk_->write(batch, false);
  stale_ = !status;
  if (status) written_++;
  return status;
}

Status MemoryBus::make_durable() {
  if (disk_ == nullptr) return Done{};
  const auto written = [this] {
    const std::lock_guard lock(mutex_);
    return written_;
  };
  const uint64_t mine = written();
  const std::lock_guard syncing(sync_mutex_);  // Who waits here finds its own done by the one before it.
  if (synced_ >= mine) return Done{};
  const uint64_t all = written();
  auto status = disk_->sync();
  if (status) {
    synced_ = all;
  } else {
    const std::lock_guard lock(mutex_);
    stale_ = true;
  }
  return status;
}

}  // namespace muster
