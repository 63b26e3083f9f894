// What the edge asks of the jobs of this node: listed, planned, prepared to run, and what their runs printed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/run_journal.hpp"
#include "base/json.hpp"
#include "domain/jobs/job.hpp"
#include "domain/runs.hpp"

namespace muster::http {

/// A job that is asked for: the body of POST /plans and POST /runs.
struct JobAsk {
  std::string job;
  std::string source;   ///< Where it is from; empty: the node's own tree.
  std::string profile;  ///< requested_security_profile.
  std::string node;     ///< Who is to run it; empty: as the job's placement says.
  Json args;            ///< An object, or null.
  std::string of;       ///< The run that it retries or resumes; empty: none.
  bool resume = false;
  bool keep_profile = false;  ///< Of a run: its shell profile stays in its folder.
  bool unbound = false;       ///< Only of a plan: what the job takes, without looking at `args`.
  // Of a run again, what is not said is as it was.
  std::optional<jobs::OnError> on_error;  ///< Instead of what the job says.
  std::optional<bool> strict;             ///< Stop when a script fails: so when nothing is said.
  std::optional<bool> dry;                ///< Show each step, run nothing.
};

/// A run that can be submitted: what it needs is on this node. Or nothing was prepared, and `elsewhere` is
/// the node whose business it is.
struct PreparedRun {
  runs::Submit submit;
  std::string elsewhere;
};

/// Which rows of GET /jobs are wanted.
struct JobsAsk {
  bool aliases = false;  ///< Whoever asks may see them.
  bool all = false;      ///< Aliases that cannot be used are rows, too, and each job's folder is told.
  uint64_t skip = 0, limit = 0;
};

/// One page of GET /jobs.
struct JobPage {
  std::string rows;   ///< A JSON array.
  size_t faults = 0;  ///< Files that could not be read.
};

/// What the journals of this node's runs take, and how much they may.
struct JournalUse {
  uint64_t bytes = 0, most = 0;
};

/// A journal that is as it was written.
struct JournalChecked {
  std::string run;
  uint64_t oldest = 0;  ///< The number of the first entry that is kept.
  JournalTotals totals;
};

/// What a run's journal holds, as it grows. Of one thread.
class RunEntries {
public:
  virtual ~RunEntries() = default;
  /// Visits what is there and was not visited, until the visit answers false.
  virtual void read(const std::function<bool(const JournalEntry&)>& visit) = 0;
  /// When to read again although nobody was woken; nothing: whoever writes wakes the streams.
  [[nodiscard]] virtual std::optional<std::chrono::steady_clock::time_point> again_at() const {
    return std::nullopt;
  }
};

/// Called on the server's thread; what takes long is answered later, on any thread.
class JobsPort {
public:
  template <class T>
  using Then = std::function<void(Result<T>)>;
  virtual ~JobsPort() = default;

  /// Jobs of all trees, by id and source. Errors: `config.invalid` for a root that is none; `rate.limited`.
  virtual void list(JobsAsk ask, Then<JobPage> then) = 0;
  /// What the run would be; what the policy denies is the error. Errors: as prepare().
  virtual void plan(JobAsk ask, Then<Json> then) = 0;
  /// What the policy denies is in the submission. Errors: `job.unknown`, `alias.*`, `not.found` (a source),
  /// `source.not.materialized`, `arguments.*`, `E_CONFIG`, `E_POLICY`, `capability.missing`,
  /// `container.runtime.unavailable`, `container.name.conflict`, `placement.impossible`, `rate.limited`.
  virtual void prepare(JobAsk ask, Then<PreparedRun> then) = 0;
  /// The run will not be: what was prepared for it goes.
  virtual void forget(const std::string& run) = 0;
  /// Of a run that this node carries out.
  virtual std::unique_ptr<RunEntries> entries(const std::string& run, uint64_t after) = 0;
  /// The number of the oldest entry that is kept; 0: none is.
  virtual uint64_t oldest(const std::string& run) = 0;
  /// Reads all of the journal of an ended run of this node, and compares it with what the log says of it.
  /// Errors: `not.found`; `conflict` while it goes on; `cursor.expired` when nothing is kept;
  /// `journal.corrupt`; `rate.limited`.
  virtual void check(const std::string& run, Then<JournalChecked> then) = 0;
  /// As of the last look, some seconds ago.
  [[nodiscard]] virtual JournalUse journals() const = 0;
};

}  // namespace muster::http
