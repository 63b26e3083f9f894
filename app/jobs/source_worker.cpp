// A queue and its thread.
#include "app/jobs/source_worker.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>

#include "adapters/run_making.hpp"

namespace muster::app {
namespace {

constexpr std::chrono::seconds kPatience{10};  // Before what was in vain is tried again, if it is asked for.

}  // namespace

SourceWorker::SourceWorker(SourceSettings settings, Current current, Pin pin)
  : adding_(std::move(settings)),
    current_(std::move(current)),
    pin_(std::move(pin)),
    thread_([this] { live(); }) {}

SourceWorker::~SourceWorker() {
  stop();
}

void SourceWorker::stop() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  cancellation_.cancel();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SourceWorker::add(jobs::Source source, Then then) {
  Error refused{"source.unavailable", "the node stops", {}};
  {
    const std::lock_guard lock{mutex_};
    if (!stop_ && waiting_.size() < kMaxWaiting) {
      waiting_.emplace_back(std::move(source), std::move(then));
      changed_.notify_one();
      return;
    }
    if (!stop_)
      refused = {"rate.limited",
                 std::to_string(kMaxWaiting) + " sources wait to be fetched (limit max-waiting-sources)",
                 {}};
  }
  then(std::move(refused));
}

void SourceWorker::bring(const std::string& name) {
  {
    const std::lock_guard lock{mutex_};
    const auto failed = in_vain_until_.find(name);
    if (failed != in_vain_until_.end() && std::chrono::steady_clock::now() < failed->second) return;
    missing_.insert(name);
  }
  changed_.notify_one();
}

void SourceWorker::succeeded(const std::string& name) {
  const auto record = current_(name);
  if (!record || record->kind != "oci" || !record->digest.empty()) return;
  {
    const std::lock_guard lock{mutex_};
    unpinned_.insert(name);
  }
  changed_.notify_one();
}

void SourceWorker::live() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock,
                  [this] { return stop_ || !waiting_.empty() || !missing_.empty() || !unpinned_.empty(); });
    if (!unpinned_.empty() && !stop_)
      pin_next(lock);
    else if (!waiting_.empty())
      add_next(lock);
    else if (stop_)
      return;
    else
      bring_next(lock);
  }
}

void SourceWorker::add_next(std::unique_lock<std::mutex>& lock) {
  auto [source, then] = std::move(waiting_.front());
  waiting_.pop_front();
  const bool stopping = stop_;
  lock.unlock();
  then(stopping ? Error{"source.unavailable", "the node stops", {}} : adding_.add(source, &cancellation_));
  then = nullptr;
  lock.lock();
}

void SourceWorker::bring_next(std::unique_lock<std::mutex>& lock) {
  const auto name = *missing_.begin();
  missing_.erase(missing_.begin());
  lock.unlock();
  const auto record = current_(name);
  const auto brought = record ? adding_.bring(*record, &cancellation_) : Status{Done{}};
  if (!brought)
    spdlog::warn("source={} not fetched code={} error={}", name, brought.error().code,
                 brought.error().detail);
  lock.lock();
  if (brought)
    in_vain_until_.erase(name);
  else
    in_vain_until_[name] = std::chrono::steady_clock::now() + kPatience;
}

void SourceWorker::pin_next(std::unique_lock<std::mutex>& lock) {
  const auto name = *unpinned_.begin();
  unpinned_.erase(unpinned_.begin());
  lock.unlock();
  if (const auto record = current_(name); record && record->digest.empty()) {
    const auto pin = adding_.pin(*record, &cancellation_);
    if (pin)
      pin_(*record, *pin);
    else
      spdlog::warn("source={} not pinned code={} error={}", name, pin.error().code, pin.error().detail);
  }
  lock.lock();
}

SourceSettings source_settings(const config::Config& config, const std::string& data, const std::string& node,
                               NodePolicy policy) {
  SourceSettings settings;
  settings.node = node;
  std::error_code error;
  const auto real = std::filesystem::canonical(data, error);
  settings.data = error ? data : real.string();
  settings.local_roots = {config.text("scripts-root")};
  for (auto& root : listed(config.text("allow-local-root"))) settings.local_roots.push_back(std::move(root));
  settings.git_hosts = listed(config.text("allow-git-host"));
  settings.profile = policy.profile;
  settings.bundle = std::move(policy.bundle);
  settings.signer = std::move(policy.signer);
  settings.runtime = container_runtime();
  settings.limit = config.duration("source-timeout");
  return settings;
}

}  // namespace muster::app
