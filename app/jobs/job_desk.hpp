// The jobs of this node for its edge: found, planned, prepared; and their runs, carried out here.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "app/jobs/job_choice.hpp"
#include "app/jobs/node_policy.hpp"
#include "app/jobs/run_side.hpp"
#include "domain/jobs/arguments.hpp"
#include "domain/jobs/environment.hpp"
#include "http/jobs_port.hpp"

namespace muster::app {

struct JobDeskOptions {
  std::string scripts_root;
  NodePolicy policy;       ///< Read once: what changes later changes nothing.
  jobs::Environment host;  ///< Of this program.
  /// Has the files of the source of this name fetched, which are not here. Any thread.
  std::function<void(const std::string& source)> bring = [](const std::string&) {};
};

class JobDesk : public http::JobsPort {
public:
  /// Errors: as run_memory().
  static Result<std::unique_ptr<JobDesk>> make(log::Disk& disk, JobDeskOptions options, RunSideOptions side);
  ~JobDesk() override;

  void start();
  void stop();

  void list(bool aliases, uint64_t skip, uint64_t limit, Then<http::JobPage> then) override;
  void plan(http::JobAsk ask, Then<Json> then) override;
  void prepare(http::JobAsk ask, Then<http::PreparedRun> then) override;
  void forget(const std::string& run) override;
  std::unique_ptr<http::RunEntries> entries(const std::string& run, uint64_t after) override;
  uint64_t oldest(const std::string& run) override;
  [[nodiscard]] http::JournalUse journals() const override;

  [[nodiscard]] RunSide& side() { return side_; }

private:
  JobDesk(log::Disk& disk, JobDeskOptions options, RunSideOptions side);
  void work();
  void later(std::function<void()> task);
  /// `then` gets what `work` makes, or `rate.limited` when too much waits.
  template <class T, class Work>
  void answer(Then<T> then, Work work);

  // On the desk's own thread.

  /// By source and id; what is not here is fetched for whoever asks next.
  Result<JobChoice> choose(const http::JobAsk& ask);
  Result<JobChoice> find(const http::JobAsk& ask);
  Result<std::shared_ptr<const JobListing>> listing(const std::string& root);
  /// `trust` gets what a plan tells of the images.
  Result<jobs::Preparation> judge(const JobChoice& choice, const http::JobAsk& ask, Json& trust) const;
  Result<std::string> where(const JobChoice& choice) const;
  Result<http::PreparedRun> prepare_now(http::JobAsk ask);
  Result<Json> plan_now(const http::JobAsk& ask);
  Result<http::JobPage> list_now(bool aliases, uint64_t skip, uint64_t limit);
  Status fill_from_earlier(http::JobAsk& ask) const;

  const JobDeskOptions options_;
  const RunSideOptions about_;
  RunSide side_;
  std::map<std::string, std::unique_ptr<JobFiles>> trees_;  // By root.
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::app
