// flwd.yaml: further names of jobs, and what is wrong with them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job_tree.hpp"

namespace muster::jobs {

constexpr std::string_view kAliasFile = "flwd.yaml";
constexpr size_t kMaxAliasFile = 256 * 1024;
constexpr size_t kMaxAliases = 1000;

/// As the file says it: `from` is the job that exists, `to` the new name.
struct DeclaredAlias {
  std::string from, to, description;
};

/// What the file at the root says, sorted by from and to, without exact repetitions. Error:
/// `alias.configuration.invalid` with every fault; an entry that lacks either name fails the whole file.
Result<std::vector<DeclaredAlias>> read_aliases(std::string_view text);

/// The path that a target means: `\` and `:` are slashes, two dots one, spaces nothing.
[[nodiscard]] std::string alias_path(std::string_view target);

struct Alias {
  std::string name;
  std::string target_path;
  std::string target_id;  ///< As the job writes it; empty when there is no such job.
  std::string description;
};

class Aliases {
public:
  struct Invalid {
    std::string code, detail;
  };

  Aliases() = default;
  Aliases(const std::vector<DeclaredAlias>& declared, const Tree& tree);

  /// The usable ones, and of a name that was declared several times the first, in the order of the file's
  /// sorted entries.
  [[nodiscard]] const std::vector<Alias>& listed() const { return listed_; }
  /// By name in lower case: every declaration of a name that has more than one.
  [[nodiscard]] const std::map<std::string, std::vector<Alias>>& collisions() const { return collisions_; }
  /// By name in lower case.
  [[nodiscard]] const std::map<std::string, Invalid>& invalid() const { return invalid_; }
  /// What can be said of the file only.
  [[nodiscard]] const std::vector<Fault>& faults() const { return faults_; }

  /// Ignoring case; null when there is none that can be used.
  [[nodiscard]] const Alias* find(std::string_view name) const;

private:
  void judge(const std::string& key, Alias alias, const Tree& tree,
             const std::map<std::string, size_t>& names);

  std::vector<Alias> listed_;
  std::map<std::string, std::vector<Alias>> collisions_;
  std::map<std::string, Invalid> invalid_;
  std::vector<Fault> faults_;
};

/// A job by a name that somebody used.
struct Named {
  const Job* job = nullptr;
  const Alias* alias = nullptr;  ///< When it was one.
};

/// By id, else by alias; hidden aliases resolve, too. Error: `alias.collision` (its fields are the
/// contenders, path and id), the code of an invalid alias, or `job.unknown` with the nearest name that
/// anybody may see.
Result<Named> find_job(const Tree& tree, const Aliases& aliases, std::string_view name);

}  // namespace muster::jobs
