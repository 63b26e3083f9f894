// Asking whether one is a member still.
#include "app/cluster/removal_watch.hpp"

namespace muster::app {
namespace {

constexpr std::chrono::seconds kEvery{3};

}  // namespace

RemovalWatch::RemovalWatch(RemovalWatchOptions options)
  : options_(std::move(options)), thread_([this] { loop(); }) {}

RemovalWatch::~RemovalWatch() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void RemovalWatch::suspect() {
  const std::lock_guard lock{mutex_};
  suspected_ = true;
  wake_.notify_all();
}

void RemovalWatch::loop() {
  std::unique_lock lock{mutex_};
  bool suspected = false;
  for (size_t turn = 0; !stopping_; turn++) {
    wake_.wait_for(lock, kEvery, [this] { return stopping_ || suspected_; });
    suspected |= std::exchange(suspected_, false);
    if (stopping_) return;
    lock.unlock();
    Result<JoinAnswer> answer = Error{"unreachable", "nobody was asked", {}};
    if (suspected || options_.alone())
      if (const auto members = options_.members(); !members.empty())
        answer = options_.ask(members[turn % members.size()]);
    const bool removed = answer && answer->code == "member.removed" && answer->cluster == options_.cluster();
    if (removed) return options_.removed(*answer);
    suspected &= !answer || !answer->code.empty();
    lock.lock();
  }
}

}  // namespace muster::app
