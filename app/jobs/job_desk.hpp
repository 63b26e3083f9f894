// The jobs of this node for its edge: found, planned, prepared; and their runs, carried out here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "adapters/program.hpp"
#include "app/jobs/job_choice.hpp"
#include "app/jobs/node_policy.hpp"
#include "app/jobs/run_side.hpp"
#include "app/jobs/task_threads.hpp"
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

  void list(http::JobsAsk ask, Then<http::JobPage> then) override;
  void plan(http::JobAsk ask, Then<Json> then) override;
  void prepare(http::JobAsk ask, Then<http::PreparedRun> then) override;
  void forget(const std::string& run) override;
  std::unique_ptr<http::RunEntries> entries(const std::string& run, uint64_t after) override;
  uint64_t oldest(const std::string& run) override;
  void check(const std::string& run, Then<http::JournalChecked> then) override;
  [[nodiscard]] http::JournalUse journals() const override;

  [[nodiscard]] RunSide& side() { return side_; }

private:
  JobDesk(log::Disk& disk, JobDeskOptions options, RunSideOptions side);
  /// A job that was found, and what the policy says of it.
  struct Judged {
    http::JobAsk ask;
    JobChoice choice;
    jobs::Preparation prepared;
    Json trust{};           ///< What a plan tells of the images.
    std::string elsewhere;  ///< The node whose business the run is, when nothing was judged.
  };
  /// `then` gets what `work` makes on the desk's thread, or `rate.limited` when too much waits.
  template <class T, class Work>
  void answer(Then<T> then, Work work);
  /// `then` gets what `rest` makes of the job once `find` found and judged it: on the desk's thread, or where
  /// images are looked at, which takes as long as cosign and a container runtime take.
  template <class T, class Find, class Rest>
  void judged(http::JobAsk ask, Then<T> then, Find find, Rest rest);

  // On the desk's own thread.

  /// By source and id; what is not here is fetched for whoever asks next.
  Result<JobChoice> choose(const http::JobAsk& ask);
  Result<JobChoice> find(const http::JobAsk& ask);
  Result<std::shared_ptr<const JobListing>> listing(const std::string& root);
  Result<Judged> judge(http::JobAsk ask, JobChoice choice) const;
  Result<std::string> where(const JobChoice& choice) const;
  Result<Judged> find_to_run(http::JobAsk ask);
  Result<Judged> find_to_plan(http::JobAsk ask);
  Result<http::JobPage> list_now(const http::JobsAsk& ask);
  Status fill_from_earlier(http::JobAsk& ask) const;

  // Any thread.

  Result<http::PreparedRun> prepare_now(const Judged& judged);
  static Result<Json> plan_now(const Judged& judged);

  const JobDeskOptions options_;
  const RunSideOptions about_;
  RunSide side_;
  std::map<std::string, std::unique_ptr<JobFiles>> trees_;  // By root.
  Cancellation stopping_;
  TaskThreads desk_, looking_;
};

}  // namespace muster::app
