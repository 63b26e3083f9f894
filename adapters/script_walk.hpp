// One look through a tree of scripts: which folders and files are there, and which changed since the last.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "adapters/job_files.hpp"

namespace muster {

/// What a file or folder looks like from outside; equal stamps that are settled mean equal content.
struct Stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const Stamp&) const = default;

  /// Was the last change so long before `at` that another one would have changed the stamp?
  [[nodiscard]] bool settled(int64_t at_ns) const;
};

/// A file that says jobs.
struct ScriptFile {
  bool link = false;
  Stamp stamp;
  int64_t read_ns = 0;
  std::shared_ptr<const jobs::ConfigFile> config;
};

/// A folder as it was when it was listed last.
struct ScriptFolder {
  Stamp stamp;
  int64_t listed_ns = 0;
  std::map<std::string, ScriptFolder> folders;
  std::map<std::string, ScriptFile> files;
};

/// A new or a changed file: its `config` is not there.
struct UnreadScript {
  ScriptFile* file = nullptr;
  std::string path;
};

/// What one look found.
struct Sighting {
  std::vector<ScriptFile*> files;  ///< Those that may be used.
  std::vector<jobs::Fault> faults;
  bool changed = false;  ///< Is anything listed or read again?
};

/// Walks below the open folder `root`, which stands at `real_root`, and brings `seen` up to date. Links to
/// folders are not followed. Each file that has to be read is handed out as soon as it is seen.
[[nodiscard]] Sighting look_through(int root, const std::filesystem::path& real_root, ScriptFolder& seen,
                                    const JobFileLimits& limits,
                                    const std::function<void(UnreadScript)>& unread);

/// Reads at most `limit` bytes of a plain file below the open folder `root`, and one more when there are
/// more. Error: `internal` with the reason.
[[nodiscard]] Result<std::string> text_below(int root, const std::string& path, size_t limit);

/// Why `path` cannot be used as a file of the tree at `real_root`, or nothing: it does not exist, is no plain
/// file, or leads out of the tree once links are followed.
[[nodiscard]] std::string misplaced(const std::filesystem::path& real_root,
                                    const std::filesystem::path& path);

[[nodiscard]] int64_t wall_clock_ns();

/// Closes what it was given, when that was open.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

}  // namespace muster
