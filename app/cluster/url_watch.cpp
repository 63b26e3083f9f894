// Asking at URLs.
#include "app/cluster/url_watch.hpp"

namespace muster::app {
namespace {

constexpr std::chrono::seconds kEvery{3};

}  // namespace

UrlWatch::UrlWatch(std::vector<std::string> urls, std::function<bool()> wanted)
  : urls_(std::move(urls)), wanted_(std::move(wanted)), thread_([this] { loop(); }) {}

UrlWatch::~UrlWatch() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  client_.cancel();
  wake_.notify_all();
  thread_.join();
}

std::vector<finding::Advert> UrlWatch::seen() const {
  const std::lock_guard lock{mutex_};
  return seen_;
}

void UrlWatch::loop() {
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, kEvery, [this] { return stopping_; })) {
    lock.unlock();
    std::vector<finding::Advert> seen;
    if (wanted_())
      for (const auto& url : urls_)
        if (auto entry = entry_at(client_, url)) seen.push_back(std::move(*entry));
    lock.lock();
    seen_ = std::move(seen);
  }
}

}  // namespace muster::app
