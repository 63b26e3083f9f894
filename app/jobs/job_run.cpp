// From a judged job to its recorded end.
#include "app/jobs/job_run.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/jobs/run_parts.hpp"
#include "app/jobs/run_side.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kTick{1};

Result<Receipt> cancel(Embedded& node, const std::string& run, const std::string& reason,
                       const std::string& actor) {
  return node.ask(runs::Cancel{run, reason, node.system().options().run_limits}, actor);
}

/// Woken by whatever may have changed of a run.
class Watched {
public:
  void changed() {
    {
      const std::lock_guard lock{mutex_};
      changed_ = true;
    }
    woken_.notify_one();
  }
  /// Until something has changed, or a tick has passed.
  void wait() {
    std::unique_lock lock{mutex_};
    woken_.wait_for(lock, kTick, [this] { return changed_; });
    changed_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool changed_ = false;
};

/// This node's runs: its own, and those that a node or another command line left.
class Side {
public:
  Side(Embedded& node, const std::string& memory, Watched& watched)
    : node_(node), side_(node.disk(), options_of(node, memory, watched)) {
    node_.on_views([this, &watched] {
      side_.changed();
      watched.changed();
    });
    side_.start();
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  ~Side() {
    node_.on_views([] {});
  }
  RunSide* operator->() { return &side_; }

private:
  static RunSideOptions options_of(Embedded& node, const std::string& memory, Watched& watched) {
    RunSideOptions options;
    options.node = node.node();
    options.data = node.data();
    options.memory = memory;
    options.most_journal_bytes = 0;  // Looking at all of them takes long; a node that serves does.
    options.views = [&node] { return node.system().views(); };
    options.grown = [&watched] { watched.changed(); };
    options.cancel = [&node](const std::string& run, const std::string& reason) {
      (void)cancel(node, run, reason, "node:" + node.node());
    };
    options.send = [&node](runs::Report report, const std::function<void(const Result<uint64_t>&)>& then) {
      report.limits = node.system().options().run_limits;
      const auto recorded = node.ask(std::move(report), "node:" + node.node());
      then(recorded ? taken_to(recorded->result) : Result<uint64_t>{recorded.error()});
    };
    return options;
  }

  Embedded& node_;
  RunSide side_;
};

/// Does `then` at each signal, until it is dropped.
class SignalWatch {
public:
  explicit SignalWatch(std::function<void()> then)
    : signals_(::signalfd(-1, &stop_signals(), SFD_CLOEXEC | SFD_NONBLOCK)),
      done_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this, then = std::move(then)] { watch(then); }) {}
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

  void watch(const std::function<void()>& then) const {
    for (;;) {
      std::array<pollfd, 2> waiting{{{done_, POLLIN, 0}, {signals_, POLLIN, 0}}};
      if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
      if (waiting[0].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(signals_, &info, sizeof info) == sizeof info) then();
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

/// Shows the run's journal as it grows, until the log tells its end.
RunOutcome follow(Embedded& node, const std::string& run, const std::string& journal, Watched& watched,
                  const ShowRun& show) {
  JournalReader reader{journal, 0};
  for (bool ended = false;;) {
    reader.read([&](const JournalEntry& entry) {
      show.entry(entry);
      return true;
    });
    const auto views = node.system().views();
    const auto* row = view<runs::View>(*views).runs.find(run);  // None: it is about to be shown.
    if (ended) return {(*row)->status, (*row)->exit_code, (*row)->error, {}};
    if ((ended = row && (*row)->ended)) continue;  // All that there will be is in the journal now.
    show.tick();
    watched.wait();
  }
}

}  // namespace

Result<RunOutcome> run_job(Embedded& node, const JobChoice& choice, const jobs::Preparation& prepared,
                           const jobs::Arguments& arguments, const JobRunOptions& options,
                           const ShowRun& show) {
  const RunAsk ask{choice, prepared, arguments, options.host, options.asked, options.keep_profile};
  const auto id = new_run_id();
  auto submit = submission(id, node.node(), ask);
  submit.limits = node.system().options().run_limits;
  if (const auto denied = prepared.denial()) {
    const auto refusal = node.ask(std::move(submit), options.actor);  // For the record.
    if (!refusal) return refusal.error();
    return runs::refusal_of(refusal->result).value_or(*denied);
  }
  auto memory = run_memory(node.data());
  if (!memory) return memory.error();
  const EmptyFolder tidy{*memory};
  Watched watched;
  Side side{node, *memory, watched};
  if (auto made = side->make(submit, ask); !made) return made.error();
  const auto receipt = node.ask(std::move(submit), options.actor);
  const auto said = receipt ? parse_json(receipt->result) : Result<Json>{receipt.error()};
  if (!said || !said->value("dispatched", false)) {
    if (said) (void)cancel(node, id, "nobody waits for its turn", options.actor);
    side->forget(id);
    if (!said) return said.error();
    return Error{"conflict", "the run would have to wait for others of its group or of its job", {}};
  }
  const SignalWatch signals{[&] { (void)cancel(node, id, "interrupted", options.actor); }};
  return follow(node, id, side->journal_of(id), watched, show);
}

}  // namespace muster::app
