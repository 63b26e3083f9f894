// Looking around in a room of adverts.
#include "adapters/memory_discovery.hpp"

#include "adapters/advert_text.hpp"

namespace muster {

void DiscoveryRoom::set_dark(bool dark) {
  const std::lock_guard lock(mutex_);
  dark_ = dark;
  tell_all();
}

void DiscoveryRoom::tell_all() {
  version_++;
  changed_.notify_all();
}

MemoryDiscovery::MemoryDiscovery(DiscoveryRoom& room) : room_(room) {
  const std::lock_guard lock(room_.mutex_);
  room_.inside_.emplace(this, std::nullopt);
  thread_ = std::thread([this] { run(); });
}

MemoryDiscovery::~MemoryDiscovery() {
  {
    const std::lock_guard lock(room_.mutex_);
    stopping_ = true;
    room_.inside_.erase(this);
    room_.tell_all();
  }
  thread_.join();
}

Status MemoryDiscovery::advertise(const finding::Advert& advert) {
  if (auto status = check_advert(advert); !status) return status;
  const std::lock_guard lock(room_.mutex_);
  room_.inside_[this] = advert;
  room_.tell_all();
  return Done{};
}

std::vector<finding::Advert> MemoryDiscovery::found() const {
  const std::lock_guard lock(room_.mutex_);
  return seen();
}

std::vector<finding::Advert> MemoryDiscovery::seen() const {
  std::map<std::pair<std::string, std::string>, finding::Advert> adverts;
  const auto own = room_.inside_.find(this);
  for (const auto& [who, advert] : room_.inside_) {
    if (room_.dark_ || who == this || !advert) continue;
    if (own != room_.inside_.end() && own->second && own->second->node == advert->node &&
        own->second->boot == advert->boot)
      continue;
    if (adverts.size() >= kMaxFound) break;
    // What goes over a wire comes back as the wire has it.
    auto read = from_txt(to_txt(*advert));
    if (!read) continue;
    read->address = at_host(std::move(read->address), "127.0.0.1");
    read->url = at_host(std::move(read->url), "127.0.0.1");
    adverts.emplace(std::pair(read->node, read->boot), *read);
  }
  std::vector<finding::Advert> found;
  found.reserve(adverts.size());
  for (auto& [who, advert] : adverts) found.push_back(std::move(advert));
  return found;
}

void MemoryDiscovery::on_change(Changed changed) {
  const std::lock_guard lock(room_.mutex_);
  changed_ = std::move(changed);
  room_.tell_all();
}

void MemoryDiscovery::run() {
  std::unique_lock lock(room_.mutex_);
  std::optional<std::vector<finding::Advert>> told;
  while (!stopping_) {
    const auto version = room_.version_;
    auto now = seen();
    if (changed_ && told != now) {
      told = std::move(now);
      const auto changed = changed_;
      lock.unlock();
      changed();
      lock.lock();
    }
    room_.changed_.wait(lock, [&] { return stopping_ || room_.version_ != version; });
  }
}

}  // namespace muster
