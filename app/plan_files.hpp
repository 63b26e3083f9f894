// Plan templates and the profile: read when they change, decided about, kept when they break.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "actors/system.hpp"
#include "adapters/file_watcher.hpp"

namespace muster::app {

class PlanFiles {
public:
  /// `folder` holds server.yaml and camera-proxy.yaml; `profile` is a file, which may be missing.
  PlanFiles(System& system, std::string folder, std::string profile);
  /// Reads everything again: leadership began, or a file could not be recorded.
  void read_again() { watcher_->tell_again(); }
  /// Nothing is read any more.
  void stop() { watcher_->stop(); }
  /// Every file was read, and what it says is in the log.
  [[nodiscard]] bool loaded() const { return loaded_ >= kFiles; }

private:
  void read_template(const std::string& path);
  void read_profile();
  Answer recorded();

  System& system_;
  std::string folder_, profile_;
  static constexpr int kFiles = 3;
  std::atomic<int> loaded_{0};
  std::unique_ptr<FileWatcher> watcher_;
};

}  // namespace muster::app
