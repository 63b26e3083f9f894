// Notices when files change, appear or go: by their size, inode and time, several times a second.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.hpp"

namespace muster {

class FileWatcher {
public:
  /// Which files to look at now; asked on every look, so that the set may change.
  using List = std::function<std::vector<std::string>()>;
  /// A file is new, changed or gone. On the watcher's thread.
  using Changed = std::function<void(const std::string& path)>;

  /// Tells of every listed file once at the start, present or not.
  FileWatcher(List list, Changed changed, Millis every = Millis{250});
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  /// No call of `changed` begins afterwards; a running one is waited for.
  void stop();
  /// Forgets what was told: every file is told of again at the next look.
  void tell_again();

private:
  void run();
  void look();

  List list_;
  Changed changed_;
  Millis every_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::string> known_;  // Path to a stamp; empty: not there.
  bool stopping_ = false, again_ = false;
  std::thread thread_;
};

}  // namespace muster
