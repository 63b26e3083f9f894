// The jobs of a folder of scripts: which files say them, what they are called, how they are found.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/jobs/job.hpp"

namespace muster::jobs {

/// Where a file that says jobs stands: `<folder>/config.d/config.yaml`, or the plain `<folder>/config.yaml`.
struct ConfigPlace {
  std::string folder;  ///< Of the job; "" is the root.
  bool plain = false;
};

/// The place of `path`, relative to the root and with `/`; none when it says no job. The file's own name may
/// be in any letter case.
[[nodiscard]] std::optional<ConfigPlace> config_place(std::string_view path);

/// A config.yaml that was read: jobs, or why there are none.
struct ConfigFile {
  std::string path;  ///< Relative to the root.
  ConfigPlace place;
  std::vector<Job> jobs;
  std::string error;

  /// The folder that listings show: that of the file.
  [[nodiscard]] std::string shown() const;
};

/// Never fails: what is wrong becomes the file's error. `path` has a place.
[[nodiscard]] ConfigFile read_config_file(std::string path, std::string_view text,
                                          std::string_view root_name);

/// A word that may come next on the command line.
struct Segment {
  std::string word;
  const Job* job = nullptr;  ///< None: a folder with jobs below it.
};

/// What words name: a job, and how many of them it took; the rest are its arguments.
struct Command {
  const Job* job = nullptr;
  size_t words = 0;
};

class Tree {
public:
  using Files = std::vector<std::shared_ptr<const ConfigFile>>;
  struct Entry {
    const Job* job;
    const ConfigFile* file;
  };

  Tree() = default;
  /// A plain file counts only where the folder has no other; of two jobs with one id the first by path stays.
  explicit Tree(Files files);

  /// In the order of their files' paths.
  [[nodiscard]] const std::vector<Entry>& jobs() const { return jobs_; }
  [[nodiscard]] const std::vector<Fault>& faults() const { return faults_; }

  /// By id, in any letter case of ASCII; null when there is none.
  [[nodiscard]] const Job* find(std::string_view id) const;

  /// `a b` is the job of the folder a/b, at any depth. Folders that begin with a dot are no words, and a
  /// folder that is a job has no words below it. Of several jobs in one folder it is the first.
  [[nodiscard]] Command command(std::span<const std::string> words) const;

  /// What may follow `words`, sorted; empty when they name a job or nothing.
  [[nodiscard]] std::vector<Segment> segments(std::span<const std::string> words) const;

private:
  void name_commands();

  Files files_;  // Owns what the rest points to.
  std::vector<Entry> jobs_;
  std::vector<Fault> faults_;
  std::unordered_map<std::string, const Job*> by_id_;  // In lower case.
  std::map<std::string, const Job*> commands_;         // By folder.
};

/// A tree of files that are all read now: (path, text).
[[nodiscard]] Tree make_tree(const std::vector<std::pair<std::string, std::string>>& files,
                             std::string_view root_name);

/// ASCII letters in lower case: how ids are compared.
[[nodiscard]] std::string folded(std::string_view text);

}  // namespace muster::jobs
