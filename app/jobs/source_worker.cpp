// A queue and its thread.
#include "app/jobs/source_worker.hpp"

#include <filesystem>

#include "adapters/run_making.hpp"

namespace muster::app {

SourceWorker::SourceWorker(SourceSettings settings)
  : adding_(std::move(settings)), thread_([this] { live(); }) {}

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

void SourceWorker::live() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto [source, then] = std::move(waiting_.front());
    waiting_.pop_front();
    const bool stopping = stop_;
    lock.unlock();
    then(stopping ? Error{"source.unavailable", "the node stops", {}} : adding_.add(source, &cancellation_));
    then = nullptr;
    lock.lock();
  }
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
  settings.runtime = container_runtime();
  settings.limit = config.duration("source-timeout");
  return settings;
}

}  // namespace muster::app
