// Looking at files over and over.
#include "adapters/file_watcher.hpp"

#include <utility>

#include <sys/stat.h>

namespace muster {
namespace {

std::string stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return std::to_string(info.st_ino) + "/" + std::to_string(info.st_size) + "/" +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "/" +
         std::to_string(info.st_mode);
}

}  // namespace

FileWatcher::FileWatcher(List list, Changed changed, Millis every)
  : list_(std::move(list)), changed_(std::move(changed)), every_(every), thread_([this] { run(); }) {}

FileWatcher::~FileWatcher() {
  stop();
}

void FileWatcher::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FileWatcher::tell_again() {
  {
    const std::lock_guard lock{mutex_};
    again_ = true;
  }
  wake_.notify_all();
}

void FileWatcher::run() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (std::exchange(again_, false)) known_.clear();
    lock.unlock();
    look();
    lock.lock();
    wake_.wait_for(lock, every_, [this] { return stopping_ || again_; });
  }
}

void FileWatcher::look() {
  for (const auto& path : list_()) {
    auto stamp = stamp_of(path);
    const auto [at, fresh] = known_.try_emplace(path);
    if (!fresh && at->second == stamp) continue;
    at->second = std::move(stamp);
    changed_(path);
  }
}

}  // namespace muster
