// A fake of discovery for tests: a room in memory, whose doors can be shut.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "adapters/ports/discovery.hpp"

namespace muster {

class MemoryDiscovery;

/// Where fakes see each other. Outlives them.
class DiscoveryRoom {
public:
  /// Nobody in here sees anybody while it is dark.
  void set_dark(bool dark);

private:
  friend class MemoryDiscovery;
  void tell_all();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<const MemoryDiscovery*, std::optional<finding::Advert>> inside_;
  bool dark_ = false;
  uint64_t version_ = 0;  // Moves with every change.
};

/// An advert without a host of its own is seen at 127.0.0.1.
class MemoryDiscovery : public Discovery {
public:
  explicit MemoryDiscovery(DiscoveryRoom& room);
  ~MemoryDiscovery() override;

  Status advertise(const finding::Advert& advert) override;
  [[nodiscard]] std::vector<finding::Advert> found() const override;
  void on_change(Changed changed) override;

private:
  void run();
  [[nodiscard]] std::vector<finding::Advert> seen() const;

  DiscoveryRoom& room_;
  Changed changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster
