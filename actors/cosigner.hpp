// A voter's signature on checkpoints that others made: it folds the log itself, and signs what it finds, too.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/peering.hpp"

namespace muster {

/// Any thread.
class Cosigner {
public:
  /// Before `peering` is attached.
  explicit Cosigner(Peering& peering);
  /// `system` outlives this, or the peering is stopped first.
  void attach(System& system) { system_ = &system; }

  /// Lines were committed and their views published.
  void on_records(const std::vector<Record>& records);
  /// Several times a second, on a thread that may not block.
  void tick();

private:
  using SteadyClock = std::chrono::steady_clock;

  void take(const std::string& from, const std::string& text, std::function<void(std::string)> reply);
  void sign();
  void tell(const cluster::CheckpointSigned& made);
  [[nodiscard]] bool votes() const;

  Peering& peering_;
  System* system_ = nullptr;
  std::mutex mutex_;                               ///< Guards what follows.
  std::optional<cluster::Checkpointed> newest_;    ///< To be looked at; a later one takes its place.
  std::optional<cluster::CheckpointSigned> made_;  ///< Until the log has it, or there is a later one.
  bool signing_ = false;
  unsigned told_ = 0;
  SteadyClock::time_point next_{};
};

}  // namespace muster
