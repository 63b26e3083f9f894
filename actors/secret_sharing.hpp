// Sealed values on every member that holds the log: whoever leads next can use them.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "actors/peering.hpp"

namespace muster {

/// A value goes to another member over the members' network and is sealed there under that member's own key.
/// It is handed over before the log tells of it; a member that was away fetches what its views name. Any
/// thread.
class SecretSharing {
public:
  using SteadyClock = std::chrono::steady_clock;

  /// Before `peering` is attached.
  explicit SecretSharing(Peering& peering);

  /// `system` outlives this, or the peering is stopped first.
  void attach(System& system);

  /// Hands a value that is sealed here to the others that hold the log. `then` gets those that do not have it
  /// yet, within kSpreadPatience.
  void spread(const std::string& secret, const std::string& value,
              std::function<void(std::vector<std::string> without)> then);
  /// Lines were committed and their views published.
  void on_records(const std::vector<Record>& records);
  /// Several times a second, on a thread that may not block.
  void tick();

private:
  /// One value on its way to several members.
  class Round;

  void take(std::string request, std::function<void(std::string)> reply);
  void give(std::string secret, std::function<void(std::string)> reply);
  void reconcile();
  void fetch(const std::string& secret);
  void fetched(const std::string& secret, const Result<std::string>& answer);
  [[nodiscard]] std::vector<std::string> holders() const;

  Peering& peering_;
  System* system_ = nullptr;
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<Round>> rounds_;
  bool stale_ = true, reconciling_ = false;
  SteadyClock::time_point next_look_{};
  // Of the thread for slow readings.
  std::map<std::string, size_t> attempts_;                    ///< To fetch what is missing.
  std::map<std::string, SteadyClock::time_point> unclaimed_;  ///< Sealed here, and named by no view.
};

}  // namespace muster
