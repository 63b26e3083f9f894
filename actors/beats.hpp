// When nodes were last heard: telemetry, never in the log. Written by the nodes' actor, read by anybody.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/paged_map.hpp"
#include "base/time.hpp"

namespace muster {

class Beats {
public:
  using Map = PagedMap<std::string, Time>;

  /// By wall clock, for showing; at most a second old.
  [[nodiscard]] std::shared_ptr<const Map> load() const { return shown_.load(); }
  void show(const Map& map) { shown_.store(std::make_shared<const Map>(map)); }

  /// Newer beats that the leader tells of.
  template <class Beat>
  void merge(const std::vector<Beat>& beats) {
    const std::lock_guard lock{mutex_};
    auto merged = *shown_.load();
    for (const auto& [node, time] : beats)
      if (auto& last = merged[node]; last < time) last = time;
    shown_.store(std::make_shared<const Map>(std::move(merged)));
  }

  /// A heartbeat said that `node` leads: its lease is renewed.
  void leads(std::string_view node) {
    const std::lock_guard lock{mutex_};
    leader_ = node;
    at_ = std::chrono::steady_clock::now();
  }
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> led(std::string_view node) const {
    const std::lock_guard lock{mutex_};
    if (leader_ != node) return std::nullopt;
    return at_;
  }

private:
  std::atomic<std::shared_ptr<const Map>> shown_{std::make_shared<const Map>()};
  mutable std::mutex mutex_;
  std::string leader_;
  std::chrono::steady_clock::time_point at_{};
};

}  // namespace muster
