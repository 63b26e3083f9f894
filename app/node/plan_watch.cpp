// Following events that change plans, or the profile.
#include "app/node/plan_watch.hpp"

#include <utility>

namespace muster::app {
namespace {

constexpr std::chrono::minutes kRefusedFor{5};
constexpr int kRefused = 400, kServerFails = 500;
constexpr std::string_view kFollowed =
  "/v1/events?follow=true&type=plan.template_loaded,lease.granted,profile.loaded,bootstrap.paused,"
  "bootstrap.resumed";
constexpr std::string_view kBlank = " \t\r\n";  // Kept-alive connections send it.

}  // namespace

PlanWatch::PlanWatch(std::function<void()> changed)
  : changed_(std::move(changed)), thread_([this] { loop(); }) {}

PlanWatch::~PlanWatch() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  client_.cancel();
  wake_.notify_all();
  thread_.join();
}

void PlanWatch::watch(HttpRequest base, uint64_t seq) {
  const std::lock_guard lock{mutex_};
  if (base.url == followed_) return;
  if (base.url == refused_ && std::chrono::steady_clock::now() < refused_until_) return;
  base_ = std::move(base);
  seq_ = seq;
  wanted_ = true;
  wake_.notify_all();
}

void PlanWatch::loop() {
  std::unique_lock lock{mutex_};
  while (true) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    followed_ = base_.url;
    const auto base = base_;
    const auto seq = seq_;
    lock.unlock();
    follow(base, seq);
    lock.lock();
    followed_.clear();
  }
}

/// Until the stream ends, or another control plane is to be followed.
void PlanWatch::follow(const HttpRequest& base, uint64_t seq) {
  auto request = base;
  request.url += std::string(kFollowed) + "&from=" + std::to_string(seq + 1);
  request.total_timeout = Millis{0};
  const auto ended = client_.stream(
    request,
    [this](std::string_view bytes) {
      if (bytes.find_first_not_of(kBlank) != std::string_view::npos) changed_();
      return true;
    },
    [this] {
      const std::lock_guard lock{mutex_};
      return !stopping_ && !wanted_;
    });
  if (!ended || ended->status < kRefused || ended->status >= kServerFails) return;
  const std::lock_guard lock{mutex_};
  refused_ = base.url;
  refused_until_ = std::chrono::steady_clock::now() + kRefusedFor;
}

}  // namespace muster::app
