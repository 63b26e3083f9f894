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
#include <unistd.h>

#include "app/jobs/run_parts.hpp"
#include "base/hash.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kTick{1};

/// Tells the log what happens to runs, in order, each once.
class Reporter {
public:
  explicit Reporter(Embedded& node) : node_(node) {}

  void tell(runs::Told told) {
    const std::lock_guard lock{mutex_};
    runs::Report report;
    report.node = node_.node();
    report.source = source_;
    report.limits = node_.system().options().run_limits;
    const auto run = std::visit(
      [&](runs::Fact& fact) {
        fact.node = report.node;
        fact.source = source_;
        fact.local_seq = ++last_;
        return fact.run;
      },
      told);
    report.facts.push_back(std::move(told));
    const auto recorded = node_.ask(std::move(report), "node:" + node_.node());
    if (!recorded)
      spdlog::error("run={} code={} error={}", run, recorded.error().code, recorded.error().detail);
  }

  ExecutionHooks hooks(const std::string& run, const Cgroups& groups,
                       std::function<void(const RunOutcome&)> then) {
    return telling(
      run, [this](runs::Told fact) { tell(std::move(fact)); }, groups, std::move(then));
  }

private:
  Embedded& node_;
  const std::string source_ = random_hex(8);
  std::mutex mutex_;
  uint64_t last_ = 0;
};

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
    reporter.tell(lost(id, system_now()));
  });
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(memory, ignored))
    if (!adopted.contains(entry.path().filename())) fs::remove_all(entry.path(), ignored);
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

  RunOutcome watch(const std::string& journal, const ShowRun& show) {
    JournalReader reader{journal, 0};
    const auto all = [&](const JournalEntry& entry) {
      show.entry(entry);
      return true;
    };
    std::unique_lock lock{mutex_};
    while (!outcome_) {
      changed_.wait_for(lock, kTick, [this] { return grown_ || outcome_; });
      grown_ = false;
      lock.unlock();
      reader.read(all);
      show.tick();
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

}  // namespace

Result<RunOutcome> run_job(Embedded& node, const JobChoice& choice, const jobs::Preparation& prepared,
                           const jobs::Arguments& arguments, const JobRunOptions& options,
                           const ShowRun& show) {
  auto memory = run_memory(node.data());
  if (!memory) return memory.error();
  const auto groups = Cgroups::here();
  const auto runtime = container_runtime();
  const auto id = new_run_id();
  auto submit = submission(id, node.node(), choice, prepared, arguments, runtime, options.asked);
  submit.limits = node.system().options().run_limits;
  Reporter reporter{node};
  const EmptyFolder tidy{*memory};
  ScriptLoop loop;
  settle_earlier(node, loop, *memory, reporter, groups);

  if (const auto denied = prepared.denial()) {
    const auto refusal = node.ask(std::move(submit), options.actor);  // For the record.
    if (!refusal) return refusal.error();
    return runs::refusal_of(refusal->result).value_or(*denied);
  }
  RunParts parts{id,
                 choice.job,
                 &arguments,
                 &prepared,
                 choice.root,
                 node.data(),
                 *memory,
                 options.host,
                 runtime,
                 options.asked.on_error,
                 options.asked.strict,
                 options.asked.dry,
                 stream_members(submit.run)};
  parts.keep_profile = options.keep_profile;
  auto order = make_run_order(parts, groups);
  if (!order) return order.error();
  order->notes = stream_notes(submit, system_now());
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
