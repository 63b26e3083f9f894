// The jobs of a folder of scripts on this machine's disk; what did not change is not read again.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/aliases.hpp"
#include "domain/jobs/job_tree.hpp"

namespace muster {

/// How much of a tree is looked at. What is beyond a limit becomes a fault, and the rest still loads.
struct JobFileLimits {
  size_t folders = 200'000;
  size_t files = 100'000;              ///< Files that say jobs.
  size_t depth = 64;                   ///< Folders below the root.
  size_t bytes = 256ul * 1024 * 1024;  ///< Of all files that say jobs.
  size_t faults = 1'000;               ///< The last one says that there are more.
};

/// What a tree of scripts says. Paths are relative to its root.
struct JobListing {
  jobs::Tree tree;
  jobs::Aliases aliases;
  std::vector<jobs::Fault> faults;  ///< Of files, ids, folders and flwd.yaml, by path.
};

struct ScriptFolder;  // adapters/script_walk.hpp

class JobFiles {
public:
  /// `root` need not exist.
  explicit JobFiles(std::string root, JobFileLimits limits = {});
  ~JobFiles();
  JobFiles(const JobFiles&) = delete;
  JobFiles& operator=(const JobFiles&) = delete;

  /// What is there now: the same object as before when nothing was touched, but for what was touched just
  /// before it was read: time stamps would not tell of a second change. A root that does not exist has no
  /// jobs. Links to folders are not followed, and a file that is a link out of the root is a fault. Error:
  /// `config.invalid` when the root is no folder or cannot be read. From any thread.
  Result<std::shared_ptr<const JobListing>> read();

  [[nodiscard]] const std::string& root() const { return root_; }

private:
  friend Result<std::shared_ptr<const JobListing>> read_job_outline(const std::string& root,
                                                                    const std::string& kept_in,
                                                                    const std::vector<std::string>& words);
  Result<std::shared_ptr<const JobListing>> look();

  const std::string root_;
  const JobFileLimits limits_;
  std::mutex mutex_;
  std::unique_ptr<ScriptFolder> seen_;  // What the root looked like.
  bool changed_ = false;                // Did the last look list or read anything?
  std::string alias_text_;
  jobs::Tree::Files files_;          // What listing_ was made of, with
  std::vector<jobs::Fault> faults_;  // these of the walk.
  std::shared_ptr<const JobListing> listing_;
};

/// The scripts of a job that are run, as paths below `root`: those of its steps, else the plain files in its
/// folder whose names begin with 000_, 100_ or 999_, sorted by name (contract of jobs, section 1); there may
/// be none. Error: `E_CONFIG` for one that is not there, is no file, or is not below the root once links are
/// followed.
Result<std::vector<std::string>> job_scripts(const std::string& root, const jobs::Job& job);

}  // namespace muster
