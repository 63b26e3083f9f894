// epoll over the pipes of all scripts.
#include "adapters/script_loop.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 256 << 10;
constexpr int kEventsAtOnce = 64;

struct Script {
  ScriptProcess process;
  ScriptSink sink;
  std::optional<Clock::time_point> deadline, kill_at, quiet_at;
  bool timed_out = false;
};

}  // namespace

class ScriptLoop::Loop {
public:
  Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    watch(wake_, 0);
    thread_ = std::thread([this] { run(); });
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    ask([this] { stopping_ = true; });
    thread_.join();
    ::close(wake_);
    ::close(epoll_);
  }

  Id add(ScriptProcess process, ScriptSink sink, std::chrono::milliseconds timeout) {
    const auto id = ++last_;
    auto script = std::make_shared<Script>(Script{std::move(process), std::move(sink), {}, {}, {}});
    if (timeout.count() > 0) script->deadline = Clock::now() + timeout;
    ask([this, id, script] { begin(id, script); });
    return id;
  }

  void stop(Id id, std::chrono::milliseconds grace) {
    ask([this, id, grace] {
      if (const auto found = scripts_.find(id); found != scripts_.end()) ask_to_end(*found->second, grace);
    });
  }

  Id later(std::chrono::milliseconds after, std::function<void()> task) {
    const auto id = ++last_;
    ask([this, id, at = Clock::now() + after, task = std::move(task)] {
      timers_.emplace(at, Timer{id, task});
    });
    return id;
  }

  void forget(Id task) {
    ask([this, task] { std::erase_if(timers_, [&](const auto& timer) { return timer.second.id == task; }); });
  }

private:
  /// What an event's number means: the script, and which of its files.
  enum Part : uint8_t { out, err, status, gone };
  struct Timer {
    Id id;
    std::function<void()> task;
  };

  void ask(std::function<void()> task) {
    {
      const std::lock_guard lock{mutex_};
      tasks_.push_back(std::move(task));
    }
    const uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
  }

  void watch(int fd, uint64_t number) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void begin(Id id, const std::shared_ptr<Script>& script) {
    scripts_[id] = script;
    const auto& process = script->process;
    watch(process.out(), id * 4 + out);
    watch(process.err(), id * 4 + err);
    watch(process.status_fd(), id * 4 + status);
    watch(process.fd(), id * 4 + gone);
    if (process.status()) end(id);  // It ended before it was adopted.
  }

  void run() {
    std::array<epoll_event, kEventsAtOnce> events{};
    while (!stopping_) {
      const int count = ::epoll_wait(epoll_, events.data(), kEventsAtOnce, until_next());
      for (int i = 0; i < count; i++) {
        if (const auto number = events[static_cast<size_t>(i)].data.u64; number != 0)
          happened(number / 4, static_cast<Part>(number % 4));
        else
          do_tasks();
      }
      keep_time();
    }
  }

  void do_tasks() {
    uint64_t count = 0;
    (void)!::read(wake_, &count, sizeof count);
    std::vector<std::function<void()>> tasks;
    {
      const std::lock_guard lock{mutex_};
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

  void happened(Id id, Part part) {
    const auto found = scripts_.find(id);
    if (found == scripts_.end()) return wait_for(id);
    auto& script = *found->second;
    if (part == out || part == err) {
      (void)read_some(script, part == out ? Channel::out : Channel::err);
      script.quiet_at = Clock::now() + kScriptQuiet;
    } else {
      end(id);
    }
  }

  /// How many bytes came.
  size_t read_some(Script& script, Channel channel) {
    const int fd = channel == Channel::out ? script.process.out() : script.process.err();
    const auto got = ::read(fd, bytes_.data(), bytes_.size());
    if (got <= 0) return 0;
    script.sink.output(channel, {bytes_.data(), static_cast<size_t>(got)});
    return static_cast<size_t>(got);
  }

  /// Reads what is in the pipes; something that it left behind may go on printing, and is not waited for.
  void end(Id id) {
    const auto script = scripts_.at(id);
    for (const auto channel : {Channel::out, Channel::err})
      for (size_t all = 0, got = 1; got != 0 && all <= kPipeBytes; all += got)
        got = read_some(*script, channel);
    const auto code = script->process.status();
    scripts_.erase(id);
    script->process.kill();
    leaving_.emplace(id, std::move(script->process).watcher());  // Still looked at, in happened().
    wait_for(id);
    script->sink.quiet();
    script->sink.ended({code.has_value(), code.value_or(0), script->timed_out});
  }

  /// Its watcher dies soon, and has to be waited for.
  void wait_for(Id id) {
    const auto watcher = leaving_.find(id);
    if (watcher != leaving_.end() && watcher->second.look().state == Look::State::ended)
      leaving_.erase(watcher);
  }

  void ask_to_end(Script& script, std::chrono::milliseconds grace) {
    script.process.stop();
    const auto at = Clock::now() + grace;
    script.kill_at = script.kill_at ? std::min(*script.kill_at, at) : at;
  }

  /// Milliseconds to the next moment at which something has to be done; -1: none.
  [[nodiscard]] int until_next() const {
    auto next = timers_.empty() ? Clock::time_point::max() : timers_.begin()->first;
    for (const auto& [id, script] : scripts_)
      for (const auto& at : {script->deadline, script->kill_at, script->quiet_at})
        if (at) next = std::min(next, *at);
    if (next == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
  }

  void keep_time() {
    const auto now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      const auto task = std::move(timers_.begin()->second.task);
      timers_.erase(timers_.begin());
      task();
    }
    const auto due = [&](std::optional<Clock::time_point>& at) {
      if (!at || *at > now) return false;
      at.reset();
      return true;
    };
    for (const auto& [id, script] : scripts_) {
      if (due(script->quiet_at)) script->sink.quiet();
      if (due(script->deadline)) {
        script->timed_out = true;
        ask_to_end(*script, kScriptGrace);
      }
      if (due(script->kill_at)) script->process.kill();  // Its end is told by its file.
    }
  }

  const int epoll_, wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  std::atomic<Id> last_{0};
  std::map<Id, std::shared_ptr<Script>> scripts_;
  std::map<Id, ChildProcess> leaving_;  // Watchers that are dying.
  std::multimap<Clock::time_point, Timer> timers_;
  std::vector<char> bytes_ = std::vector<char>(kReadBytes);
  bool stopping_ = false;
  std::thread thread_;
};

ScriptLoop::ScriptLoop() : loop_(std::make_unique<Loop>()) {}
ScriptLoop::~ScriptLoop() = default;

ScriptLoop::Id ScriptLoop::add(ScriptProcess process, ScriptSink sink, std::chrono::milliseconds timeout) {
  return loop_->add(std::move(process), std::move(sink), timeout);
}

void ScriptLoop::stop(Id id, std::chrono::milliseconds grace) {
  loop_->stop(id, grace);
}

ScriptLoop::Id ScriptLoop::later(std::chrono::milliseconds after, std::function<void()> task) {
  return loop_->later(after, std::move(task));
}

void ScriptLoop::forget(Id task) {
  loop_->forget(task);
}

}  // namespace muster
