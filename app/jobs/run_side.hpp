// The node's side of runs: starts what it is to start, goes on with what an earlier life of it began, cancels
// what is not wanted any more.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/cgroups.hpp"
#include "adapters/run_execution.hpp"
#include "app/jobs/run_facts.hpp"
#include "app/jobs/run_parts.hpp"
#include "projections/catalog.hpp"

namespace muster::app {

struct RunSideOptions {
  std::string node;
  std::string data;    ///< Absolute, without symbolic links.
  std::string memory;  ///< As run_memory() gives it.
  std::function<std::shared_ptr<const ViewSet>()> views;
  RunFacts::Send send;
  /// Takes a run back that this node can never start.
  std::function<void(const std::string& run, const std::string& reason)> cancel;
  std::function<void()> grown;  ///< Some run's journal has.
  /// A run is over, and each of its steps succeeded; not of one that was dry.
  std::function<void(const std::string& run)> completed = [](const std::string&) {};
  std::shared_ptr<Persistence> counts = std::make_shared<Persistence>();
  /// Of all runs; those that ended first go first. 0: none goes.
  uint64_t most_journal_bytes = uint64_t{1} << 30;
};

class RunSide {
public:
  RunSide(log::Disk& disk, RunSideOptions options);
  RunSide(const RunSide&) = delete;
  RunSide& operator=(const RunSide&) = delete;
  ~RunSide();

  void start();
  void stop();  ///< Its scripts go on.

  /// Makes what a run needs, frees the names of its containers, and holds it. `done`: its steps that an
  /// earlier run has done. Errors: as make_run_order(), free_names() and hold(); nothing is left of it then.
  Status make(const runs::Submit& submit, const RunAsk& ask, std::vector<std::string> done = {},
              const Cancellation* cancellation = nullptr);
  /// Keeps what a run needs until it is dispatched. Error: `internal`; nothing is left of the run then.
  Status hold(RunOrder order);
  /// Such a run will not be.
  void forget(const std::string& run);
  /// The views may hold other runs now. Any thread.
  void changed();

  [[nodiscard]] const Cgroups& groups() const { return groups_; }
  /// Of all journals, as of the last look.
  [[nodiscard]] uint64_t journal_bytes() const { return journal_bytes_; }
  [[nodiscard]] std::string journal_of(const std::string& run) const;

private:
  struct Row {
    std::string run, reason;
    bool dispatched = false, canceled = false;
  };
  void watch();
  [[nodiscard]] std::vector<Row> own_rows(bool& current) const;
  void look_at(const Row& row);
  void begin(const Row& row);
  [[nodiscard]] std::optional<RunOrder> take_held(const std::string& run);
  void tidy();
  void tidy_journals(const runs::View& all);

  const RunSideOptions options_;
  const Cgroups groups_ = Cgroups::here();
  RunFacts facts_;
  std::unique_ptr<ScriptLoop> loop_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool stopping_ = false, changed_ = true;
  std::map<std::string, RunOrder> held_;
  std::map<std::string, std::shared_ptr<Execution>> running_;
  std::set<std::string> canceled_, done_;
  std::chrono::steady_clock::time_point tidied_{};
  std::atomic<uint64_t> journal_bytes_{0};
  std::thread thread_;
};

}  // namespace muster::app
