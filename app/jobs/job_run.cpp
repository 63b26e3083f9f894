// From a judged job to its recorded end.
#include "app/jobs/job_run.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "domain/jobs/plan.hpp"
#include "domain/jobs/redaction.hpp"
#include "domain/jobs/steps.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

static_assert(jobs::kMaxSteps <= runs::kMaxSteps, "a job that can be planned can be recorded");

std::string run_id() {
  return "run-" + std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

std::string cut(std::string text) {
  if (text.size() <= runs::kMaxReason) return text;
  text.resize(runs::kMaxReason);
  while (!text.empty() && !is_utf8(text)) text.pop_back();
  return text;
}

/// Tells the log what happens to runs, in order, each once.
class Reporter {
public:
  explicit Reporter(Embedded& node) : node_(node) {}

  template <class Fact>
  void tell(Fact fact, const std::string& run, Time at) {
    const std::lock_guard lock{mutex_};
    fact.run = run;
    fact.node = node_.node();
    fact.source = source_;
    fact.local_seq = ++last_;
    fact.at = at;
    runs::Report report;
    report.node = node_.node();
    report.source = source_;
    report.facts.emplace_back(std::move(fact));
    report.limits = node_.system().options().run_limits;
    const auto told = node_.ask(std::move(report), "node:" + node_.node());
    if (!told) spdlog::error("run={} code={} error={}", run, told.error().code, told.error().detail);
  }

  /// What an execution tells becomes facts; `then` follows the last one.
  ExecutionHooks hooks(const std::string& run, const Cgroups& groups,
                       std::function<void(const RunOutcome&)> then) {
    ExecutionHooks hooks;
    hooks.started = [this, run](Time at) { tell(runs::Started{}, run, at); };
    hooks.step_started = [this, run](const std::string& step, uint64_t attempt, Time at) {
      runs::StepStarted fact;
      fact.step = step;
      fact.attempt = attempt;
      tell(std::move(fact), run, at);
    };
    hooks.step_finished = [this, run](const StepOutcome& step, Time at) {
      runs::StepFinished fact;
      fact.step = step.step;
      fact.attempt = step.attempt;
      fact.exit_code = step.exit_code;
      fact.status = step.status;
      fact.error = cut(step.error);
      tell(std::move(fact), run, at);
    };
    hooks.finished = [this, run, then = std::move(then)](const RunOutcome& outcome, Time at) {
      runs::Finished fact;
      fact.status = outcome.status;
      fact.exit_code = outcome.exit_code;
      fact.error = cut(outcome.error);
      fact.bytes = outcome.output.bytes;
      fact.lines = outcome.output.lines;
      fact.dropped = outcome.output.dropped;
      fact.last = outcome.output.last;
      fact.digest = to_hex(outcome.output.digest);
      tell(std::move(fact), run, at);
      then(outcome);
    };
    hooks.released = [&groups](const std::string& group) { return groups.remove(group); };
    return hooks;
  }

private:
  Embedded& node_;
  const std::string source_ = random_hex(8);
  std::mutex mutex_;
  uint64_t last_ = 0;
};

/// Where runs of this data folder keep what no disk may see.
Result<std::string> memory_of(const std::string& data) {
  auto base = memory_folder();
  if (!base) return base;
  auto folder = *base + "/" + sha256_hex(data).substr(0, 16);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return Error{"internal", folder + ": " + failed.message(), {}};
  ::chmod(folder.c_str(), 0700);
  return folder;
}

/// Those of this node that have not ended are gone on with, or recorded as lost. What else is in memory is of
/// runs that never came into the log, or have ended: nobody has the data folder but this process.
void settle_earlier(Embedded& node, ScriptLoop& loop, const std::string& memory, Reporter& reporter,
                    const Cgroups& groups) {
  std::set<std::string> adopted;
  const auto views = node.system().views();
  view<runs::View>(*views).runs.each([&](const std::string& id, const auto& row) {
    if (row->ended || row->accepted->node != node.node()) return;
    if (Execution::adopt(loop, memory + "/" + id, reporter.hooks(id, groups, [](const RunOutcome&) {}),
                         system_now)) {
      adopted.insert(id);
      return;
    }
    runs::Finished lost;
    lost.status = "lost";
    lost.exit_code = -1;
    lost.error = "nothing is left of it on its node";
    reporter.tell(std::move(lost), id, system_now());
  });
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(memory, ignored))
    if (!adopted.contains(entry.path().filename())) fs::remove_all(entry.path(), ignored);
}

/// Takes back what was made for a run that is not to be.
void unmake(const RunOrder& order, const Cgroups& groups) {
  std::error_code ignored;
  for (const auto& folder : {order.memory, order.folder}) fs::remove_all(folder, ignored);
  for (const auto& step : order.steps)
    if (!step.group.empty()) (void)groups.remove(step.group);
}

runs::Submit submission(Embedded& node, const std::string& run, const JobChoice& choice,
                        const jobs::Preparation& prepared, const jobs::Arguments& arguments,
                        const std::optional<jobs::Runtime>& runtime) {
  const auto& job = *choice.job;
  runs::Submit submit;
  auto& accepted = submit.run;
  accepted.run = run;
  accepted.job = job.id;
  accepted.name = job.name;
  if (!arguments.empty()) accepted.args.text = jobs::shown_arguments(arguments).dump();
  accepted.profile = to_text(prepared.profile);
  accepted.executor = prepared.in_containers ? "container" : job.executor.empty() ? "shell" : job.executor;
  if (prepared.in_containers && runtime) accepted.runtime = to_text(*runtime);
  accepted.node = node.node();
  for (const auto& one : prepared.steps)
    accepted.steps.push_back({one.step.id, one.step.name.empty() ? one.step.id : one.step.name});
  accepted.group = job.concurrency.group;
  if (!accepted.group.empty())
    accepted.policy = job.concurrency.policy == jobs::Concurrency::Policy::skip             ? "skip"
                      : job.concurrency.policy == jobs::Concurrency::Policy::cancel_running ? "cancel_running"
                                                                                            : "queue";
  accepted.priority = job.priority;
  accepted.timeout_s = job.timeout_s;
  const auto plan =
    jobs::plan_of(job, prepared, {choice.alias ? choice.alias->name : job.folder, choice.alias, nullptr});
  accepted.provenance.text = plan["provenance"].dump();
  for (const auto& decision : prepared.decisions()) {
    runs::PolicyDecided policy;
    policy.profile = accepted.profile;
    policy.executor = accepted.executor;
    policy.runtime = accepted.runtime;
    policy.subject = decision.subject;
    policy.decision = to_text(decision.decision);
    policy.code = decision.code;
    policy.reason = cut(decision.reason);
    submit.policies.push_back(std::move(policy));
  }
  submit.limits = node.system().options().run_limits;
  return submit;
}

/// A run that goes on, and somebody who watches it.
class Watched {
public:
  void grown() {
    {
      const std::lock_guard lock{mutex_};
      grown_ = true;
    }
    changed_.notify_one();
  }
  void ended(const RunOutcome& outcome) {
    {
      const std::lock_guard lock{mutex_};
      outcome_ = outcome;
    }
    changed_.notify_one();
  }

  RunOutcome watch(const std::string& journal, const ShowEntry& show) {
    JournalReader reader{journal, 0};
    const auto all = [&](const JournalEntry& entry) {
      show(entry);
      return true;
    };
    std::unique_lock lock{mutex_};
    while (!outcome_) {
      changed_.wait(lock, [this] { return grown_ || outcome_; });
      grown_ = false;
      lock.unlock();
      reader.read(all);
      lock.lock();
    }
    lock.unlock();
    reader.read(all);
    return *outcome_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool grown_ = false;
  std::optional<RunOutcome> outcome_;
};

/// Cancels `execution` at each signal, until it is dropped.
class SignalWatch {
public:
  explicit SignalWatch(std::shared_ptr<Execution> execution)
    : signals_(::signalfd(-1, &stop_signals(), SFD_CLOEXEC | SFD_NONBLOCK)),
      done_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this, execution = std::move(execution)] { watch(*execution); }) {}
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch() {
    ::eventfd_write(done_, 1);
    thread_.join();
    ::close(signals_);
    ::close(done_);
  }

private:
  static const sigset_t& stop_signals() {
    static const sigset_t all = [] {
      sigset_t set;
      sigemptyset(&set);
      for (const int signal : {SIGINT, SIGTERM}) sigaddset(&set, signal);
      return set;
    }();
    return all;
  }

  void watch(Execution& execution) const {
    for (;;) {
      std::array<pollfd, 2> waiting{{{done_, POLLIN, 0}, {signals_, POLLIN, 0}}};
      if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
      if (waiting[0].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(signals_, &info, sizeof info) == sizeof info) execution.cancel("interrupted");
    }
  }

  const int signals_, done_;
  std::thread thread_;
};

/// Removes a folder at the end, when nothing is in it.
struct EmptyFolder {
  std::string path;
  ~EmptyFolder() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

StringMap about(const runs::Accepted& run) {
  StringMap members;
  members["job_id"] = Json(run.job).dump();
  members["executor"] = Json(run.executor).dump();
  if (!run.runtime.empty()) members["runtime"] = Json(run.runtime).dump();
  members["provenance"] = run.provenance.text;
  return members;
}

}  // namespace

Result<RunOutcome> run_job(Embedded& node, const JobChoice& choice, const jobs::Preparation& prepared,
                           const jobs::Arguments& arguments, const JobRunOptions& options,
                           const ShowEntry& show) {
  auto memory = memory_of(node.data());
  if (!memory) return memory.error();
  const auto groups = Cgroups::here();
  const auto runtime = container_runtime();
  const auto id = run_id();
  auto submit = submission(node, id, choice, prepared, arguments, runtime);
  Reporter reporter{node};
  const EmptyFolder tidy{*memory};
  ScriptLoop loop;
  settle_earlier(node, loop, *memory, reporter, groups);

  if (const auto denied = prepared.denial()) {
    const auto refusal = node.ask(std::move(submit), options.actor);  // For the record.
    if (!refusal) return refusal.error();
    return runs::refusal_of(refusal->result).value_or(*denied);
  }
  RunParts parts{
    id,           choice.job, &arguments,       &prepared,      choice.root, node.data(),      *memory,
    options.host, runtime,    options.on_error, options.strict, options.dry, about(submit.run)};
  auto order = make_run_order(parts, groups);
  if (!order) return order.error();
  const auto receipt = node.ask(std::move(submit), options.actor);
  const auto said = receipt ? parse_json(receipt->result) : Result<Json>{receipt.error()};
  if (!said || !said->value("dispatched", false)) {
    unmake(*order, groups);
    if (!said) return said.error();
    runs::Cancel cancel;
    cancel.run = id;
    cancel.reason = "nobody waits for its turn";
    cancel.limits = node.system().options().run_limits;
    (void)node.ask(std::move(cancel), options.actor);
    return Error{"conflict", "the run would have to wait for others of its group or of its job", {}};
  }

  Watched watched;
  auto hooks = reporter.hooks(id, groups, [&](const RunOutcome& outcome) { watched.ended(outcome); });
  hooks.journaled = [&] { watched.grown(); };
  const auto journal = order->folder + "/journal";
  auto execution = Execution::begin(loop, std::move(*order), std::move(hooks), system_now);
  if (!execution) return execution.error();
  const SignalWatch signals{*execution};
  return watched.watch(journal, show);
}

}  // namespace muster::app
