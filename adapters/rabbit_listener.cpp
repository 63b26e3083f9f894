// A subscriber's thread: it listens, calls back, and connects again.
#include "adapters/rabbit_listener.hpp"

#include <algorithm>
#include <cassert>
#include <random>
#include <utility>

#include <spdlog/spdlog.h>

namespace muster {
namespace {

constexpr Millis kLook{100};  // How long it may take until a listener sees that it should stop.

}  // namespace

Result<std::shared_ptr<RabbitListener>> RabbitListener::start(const RabbitOptions& options,
                                                              std::string pattern,
                                                              EventBus::OnMessage callback) {
  std::shared_ptr<RabbitListener> listener(
    new RabbitListener(options, std::move(pattern), std::move(callback)));
  if (auto status = listener->listen(); !status) return status.error();
  listener->thread_ = std::thread([raw = listener.get()] { raw->run(); });
  return listener;
}

void RabbitListener::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  assert(thread_.get_id() != std::this_thread::get_id());
  thread_.join();
}

Status RabbitListener::listen() {
  session_.reset();
  auto opened = AmqpSession::open(options_.amqp);
  if (!opened) return opened.error();
  if (auto status = (*opened)->consume(options_.exchange, pattern_, options_.subscriber_messages); !status)
    return status;
  session_ = std::move(*opened);
  return Done{};
}

bool RabbitListener::wait(Millis pause) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, pause, [this] { return stopping_; });
}

void RabbitListener::run() {
  auto pause = options_.first_retry;
  while (!wait(Millis{0})) {
    if (!session_) {
      if (wait(jittered(pause))) return;
      pause = std::min(pause * 2, options_.longest_retry);
      if (!listen()) continue;
      pause = options_.first_retry;
    }
    auto message = session_->next(kLook);
    if (!message) {
      spdlog::warn("a subscription broke, messages may be lost: {}", message.error().detail);
      session_.reset();
    } else if (*message) {
      callback_(**message);
    }
  }
}

}  // namespace muster
