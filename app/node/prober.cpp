// Probing over HTTP (supervisor contract, section 6).
#include "app/node/prober.hpp"

#include <algorithm>

namespace muster::app {
namespace {

constexpr Millis kProbeTimeout{3'000};
constexpr int kLeastIntervalSeconds = 3;
constexpr size_t kMaxReply = 1 << 20;

}  // namespace

Prober::Prober(Healthy healthy) : healthy_(std::move(healthy)), thread_([this] { loop(); }) {}

Prober::~Prober() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  client_.cancel();
  wake_.notify_all();
  thread_.join();
}

void Prober::ask(const std::string& name, const std::string& run, const plan::Health& health) {
  const std::lock_guard lock{mutex_};
  questions_[name] = {run, health, Clock::now()};
  wake_.notify_all();
}

void Prober::forget(const std::string& name) {
  const std::lock_guard lock{mutex_};
  questions_.erase(name);
}

void Prober::loop() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto soonest =
      std::min_element(questions_.begin(), questions_.end(),
                       [](const auto& a, const auto& b) { return a.second.next < b.second.next; });
    if (soonest == questions_.end())
      wake_.wait(lock);
    else if (soonest->second.next > Clock::now())
      wake_.wait_until(lock, soonest->second.next);
    else
      ask_one(lock);
  }
}

void Prober::ask_one(std::unique_lock<std::mutex>& lock) {
  const auto due = std::min_element(questions_.begin(), questions_.end(), [](const auto& a, const auto& b) {
    return a.second.next < b.second.next;
  });
  const auto name = due->first;
  const auto question = due->second;
  lock.unlock();
  HttpRequest request;
  request.url = question.health.http;
  request.connect_timeout = request.total_timeout = kProbeTimeout;
  request.max_bytes = kMaxReply;
  const auto reply = client_.fetch(request);
  const bool well = reply && reply->status >= 200 && reply->status < 300;
  lock.lock();
  const auto asked = questions_.find(name);
  if (asked == questions_.end() || asked->second.run != question.run) return;
  if (!well) {
    asked->second.next =
      Clock::now() + std::chrono::seconds{std::max(question.health.interval_sec, kLeastIntervalSeconds)};
    return;
  }
  questions_.erase(asked);
  lock.unlock();
  healthy_(name, question.run);
  lock.lock();
}

}  // namespace muster::app
