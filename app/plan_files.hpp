// Plan templates and the profile: read when they change, decided about, kept when they break.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "actors/system.hpp"
#include "adapters/file_watcher.hpp"
#include "app/config/config.hpp"

namespace muster::app {

/// The files of whoever leads count, and only what is new in them: a member that comes to lead with other
/// files than the one before, or with none, changes nothing until somebody edits them there. An edit that is
/// made while another member leads, or nobody, counts once this one does, unless what is in use is newer.
class PlanFiles {
public:
  /// `folder` holds server.yaml and camera-proxy.yaml; `profile` is a file, which may be missing. `seen` is a
  /// file of this node's own: what it was last asked about.
  PlanFiles(System& system, std::string folder, std::string profile, std::string seen);
  /// Reads everything again: leadership began, or a file could not be recorded.
  void read_again() { watcher_->tell_again(); }
  /// Nothing is read any more.
  void stop() { watcher_->stop(); }
  /// Every file was read, and what it says is in the log.
  [[nodiscard]] bool loaded() const { return loaded_ >= kFiles; }

private:
  /// A file as it is now.
  struct File {
    std::string path, name;
    Result<std::string> text;
    std::string digest;  ///< kAbsent: there is none.
  };
  void read(const std::string& path);
  void read_template(const File& file);
  void read_profile(const File& file);
  void read_following(const File& file);
  [[nodiscard]] bool counts(const File& file);
  void mark(const std::string& name, const std::string& digest);
  [[nodiscard]] std::string last_seen(const std::string& name, bool alone);
  Answer recorded(const File& file);

  System& system_;
  const std::string folder_, profile_, seen_path_;
  static constexpr int kFiles = 3;
  std::atomic<int> loaded_{0};
  std::mutex mutex_;
  std::map<std::string, std::string> seen_;  // Name to digest.
  // Of the watcher's thread: what was there at the start, and files last looked at while another led.
  std::map<std::string, std::string> first_;
  std::set<std::string> followed_;
  std::unique_ptr<FileWatcher> watcher_;
};

/// The plans folder that is there: the configured one, else the one that was installed beside the binary.
[[nodiscard]] std::string plans_folder(const config::Config& config);

/// Whether a plan, or the profile that is asked for with it, may be another one after this.
[[nodiscard]] bool may_change_plans(const Record& record);

}  // namespace muster::app
