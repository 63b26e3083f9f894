// A subscriber's queue and its thread.
#include "adapters/bus_listener.hpp"

#include <cassert>
#include <utility>

#include "adapters/topic.hpp"

namespace muster {

BusListener::BusListener(std::string pattern, EventBus::OnMessage callback, size_t max_messages,
                         size_t max_bytes)
  : pattern_(std::move(pattern)),
    callback_(std::move(callback)),
    max_messages_(max_messages),
    max_bytes_(max_bytes),
    thread_([this] { run(); }) {}

void BusListener::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  assert(thread_.get_id() != std::this_thread::get_id());
  thread_.join();
}

void BusListener::offer(const Shared& message) {
  if (!topic_matches(pattern_, message->topic)) return;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(message);
    bytes_ += message->body.size();
    while (waiting_.size() > max_messages_ || bytes_ > max_bytes_) {
      bytes_ -= waiting_.front()->body.size();
      waiting_.pop_front();
      dropped_++;
    }
  }
  wake_.notify_one();
}

uint64_t BusListener::dropped() {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void BusListener::run() {
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

}  // namespace muster
