// Runs on this machine, with real scripts: order, attempts, ends, and another life of the program in between.
#include "adapters/run_execution.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "tests/support/eventually.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

/// A run's folders, its order, and what was told of it.
class Run {
public:
  Run() {
    std::string pattern = (fs::temp_directory_path() / "run-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    order.run = "run-1";
    order.folder = root_ + "/run";
    order.memory = root_ + "/memory";
  }
  ~Run() { fs::remove_all(root_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void step(const std::string& id, const std::string& script, std::vector<std::string> needs = {}) {
    StepOrder step;
    step.id = step.name = id;
    step.needs = std::move(needs);
    step.command = {"bash", "-c", script};
    step.env["PATH"] = "/usr/bin:/bin";
    step.env["FILES"] = root_;
    step.folder = root_;
    order.steps.push_back(std::move(step));
  }

  std::shared_ptr<Execution> begin(ScriptLoop& loop) {
    auto begun = Execution::begin(loop, order, hooks(), system_now);
    REQUIRE(begun);
    return *begun;
  }
  Result<std::shared_ptr<Execution>> adopt(ScriptLoop& loop) {
    return Execution::adopt(loop, order.memory, hooks(), system_now);
  }

  RunOutcome outcome() {
    REQUIRE(eventually([this] {
      const std::lock_guard lock{mutex_};
      return outcome_.has_value();
    }));
    return *outcome_;
  }
  /// `step:attempt` as it began, `step=status` as it ended.
  std::vector<std::string> told() {
    const std::lock_guard lock{mutex_};
    return told_;
  }
  [[nodiscard]] bool heard(const std::string& what) {
    const auto all = told();
    return std::find(all.begin(), all.end(), what) != all.end();
  }
  std::string printed() const {
    std::string text;
    JournalReader{order.folder + "/journal", 0}.read([&](const JournalEntry& entry) {
      if (entry.kind != EntryKind::event) text.append(entry.text).append("\n");
      return true;
    });
    return text;
  }
  std::vector<std::string> events() const {
    std::vector<std::string> all;
    JournalReader{order.folder + "/journal", 0}.read([&](const JournalEntry& entry) {
      if (entry.kind == EntryKind::event) all.emplace_back(entry.text.substr(0, entry.text.find(' ')));
      return true;
    });
    return all;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return root_ + "/" + name; }
  void touch(const std::string& name) const { std::ofstream{file(name)} << "x"; }
  [[nodiscard]] bool exists(const std::string& name) const { return fs::exists(file(name)); }

  RunOrder order;

private:
  ExecutionHooks hooks() {
    ExecutionHooks hooks;
    hooks.started = [this](Time) { note("started"); };
    hooks.step_started = [this](const std::string& step, uint64_t attempt, Time) {
      note(step + ":" + std::to_string(attempt));
    };
    hooks.step_finished = [this](const StepOutcome& step, Time) { note(step.step + "=" + step.status); };
    hooks.finished = [this](const RunOutcome& outcome, Time) {
      const std::lock_guard lock{mutex_};
      outcome_ = outcome;
    };
    return hooks;
  }
  void note(const std::string& what) {
    const std::lock_guard lock{mutex_};
    told_.push_back(what);
  }

  std::string root_;
  std::mutex mutex_;
  std::vector<std::string> told_;
  std::optional<RunOutcome> outcome_;
};

using List = std::vector<std::string>;
constexpr const char* kWaitForGo = "until [ -e $FILES/go ]; do :; done; ";

}  // namespace

TEST_CASE("steps run in the order of their needs, and what they print is in the journal", "[S3-06]") {
  Run run;
  run.step("last", "echo three", {"middle"});
  run.step("first", "echo one");
  run.step("middle", "echo two >&2", {"first"});
  ScriptLoop loop;
  run.begin(loop);
  const auto outcome = run.outcome();
  CHECK(outcome.status == "completed");
  CHECK(outcome.exit_code == 0);
  CHECK(run.told() == List{"started", "first:1", "first=completed", "middle:1", "middle=completed", "last:1",
                           "last=completed"});
  CHECK(run.printed() == "one\ntwo\nthree\n");
  CHECK(outcome.output.lines == 3);
  const auto checked = check_journal(run.order.folder + "/journal");
  REQUIRE(checked);
  CHECK(checked->digest == outcome.output.digest);
  CHECK(run.events().front() == "run.start");
  CHECK(run.events().back() == "run.finish");
  CHECK(eventually([&] { return !run.exists("memory"); }));
}

TEST_CASE("steps that need nothing of each other run together, up to the limit") {
  Run run;
  for (const auto* id : {"a", "b"})
    run.step(id, "touch $FILES/$0; until [ -e $FILES/a ] && [ -e $FILES/b ]; do :; done");
  run.order.steps[0].command.emplace_back("a");
  run.order.steps[1].command.emplace_back("b");
  run.order.at_once = 2;
  ScriptLoop loop;
  run.begin(loop);
  CHECK(run.outcome().status == "completed");
}

TEST_CASE("a step that fails ends the run, and what needs it is skipped") {
  Run run;
  run.step("bad", "exit 3");
  run.step("needs", "touch $FILES/ran", {"bad"});
  run.step("other", "touch $FILES/ran");
  ScriptLoop loop;
  run.begin(loop);
  const auto outcome = run.outcome();
  CHECK(outcome.status == "failed");
  CHECK(outcome.exit_code == 3);
  CHECK(run.told() == List{"started", "bad:1", "bad=failed", "needs=skipped", "other=skipped"});
  CHECK_FALSE(run.exists("ran"));
}

TEST_CASE("with continue, steps that do not need a failed one run still") {
  Run run;
  run.order.on_error = "continue";
  run.step("bad", "exit 3");
  run.step("needs", "touch $FILES/needs", {"bad"});
  run.step("other", "touch $FILES/other");
  ScriptLoop loop;
  run.begin(loop);
  CHECK(run.outcome().status == "failed");
  CHECK(run.exists("other"));
  CHECK_FALSE(run.exists("needs"));
}

TEST_CASE("a step is tried again as often as it may, and no more") {
  Run run;
  run.order.on_error = "retry";
  run.order.retries = 2;
  run.step("flaky", "echo x >>$FILES/tries; [ $(wc -l <$FILES/tries) = 3 ]");
  SECTION("and succeeds") {
    ScriptLoop loop;
    run.begin(loop);
    CHECK(run.outcome().status == "completed");
    CHECK(run.told() == List{"started", "flaky:1", "flaky=failed", "flaky:2", "flaky=failed", "flaky:3",
                             "flaky=completed"});
  }
  SECTION("and fails for good") {
    run.order.retries = 1;
    ScriptLoop loop;
    run.begin(loop);
    CHECK(run.outcome().status == "failed");
    CHECK(run.told().back() == "flaky=failed");
    CHECK_FALSE(run.heard("flaky:3"));
  }
}

TEST_CASE("a run that is canceled ends what runs and starts nothing more", "[S3-39]") {
  Run run;
  run.step("long", "touch $FILES/here; tail -f /dev/null");
  run.step("next", "touch $FILES/ran", {"long"});
  ScriptLoop loop;
  const auto execution = run.begin(loop);
  REQUIRE(eventually([&] { return run.exists("here"); }));
  execution->cancel("by request");
  execution->cancel("and again");
  CHECK(run.outcome().status == "canceled");
  CHECK_FALSE(run.exists("ran"));
  const auto events = run.events();
  CHECK(std::count(events.begin(), events.end(), "run.canceled") == 1);
}

TEST_CASE("a run that is canceled before it has begun starts nothing") {
  Run run;
  run.step("never", "touch $FILES/ran");
  ScriptLoop loop;
  std::mutex gate;
  gate.lock();
  loop.later({}, [&] { const std::lock_guard wait{gate}; });
  run.begin(loop)->cancel("early");
  gate.unlock();
  CHECK(run.outcome().status == "canceled");
}

TEST_CASE("a run that takes too long fails with the code of a time-out") {
  Run run;
  run.order.timeout_s = 1;
  run.step("long", "tail -f /dev/null");
  ScriptLoop loop;
  run.begin(loop);
  const auto outcome = run.outcome();
  CHECK(outcome.status == "failed");
  CHECK(outcome.exit_code == kTimedOut);
  CHECK(outcome.error == "timeout");
}

TEST_CASE("a signal and a program that is not there are told as -1") {
  Run run;
  run.order.on_error = "continue";
  run.step("killed", "kill -9 $$");
  ScriptLoop loop;
  SECTION("a signal") {
    run.begin(loop);
    CHECK(run.outcome().error == "signal KILL");
  }
  SECTION("no program") {
    run.order.steps[0].command = {"no-such-program"};
    run.begin(loop);
    CHECK(run.outcome().error.find("no-such-program") != std::string::npos);
  }
  CHECK(run.outcome().exit_code == -1);
}

TEST_CASE("a secret that a script prints is in no file of the run, however it is printed", "[S3-09]") {
  Run run;
  run.order.hide = {"canary-7261", "two\nlines"};
  run.step(
    "leaks",
    "echo canary-7261; printf canary-; printf 7261; echo; echo two; echo lines; echo fine canary-7261 >&2");
  ScriptLoop loop;
  run.begin(loop);
  CHECK(run.outcome().status == "completed");
  CHECK(run.printed().find("canary-7261") == std::string::npos);
  CHECK(run.printed().find("fine [secret]") != std::string::npos);
  for (const auto& entry : fs::recursive_directory_iterator(run.order.folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    CHECK(bytes.find("canary-7261") == std::string::npos);
  }
}

TEST_CASE("a run goes on in another life of the program") {
  Run run;
  run.step("first", "echo before; touch $FILES/here; " + std::string{kWaitForGo} + "echo after");
  run.step("second", "echo last", {"first"});
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return run.exists("here") && run.heard("first:1"); }));
  }
  SECTION("which finds the step still running") {
    ScriptLoop loop;
    REQUIRE(run.adopt(loop));
    run.touch("go");
    CHECK(run.outcome().status == "completed");
  }
  SECTION("which finds that the step has ended") {
    run.touch("go");
    REQUIRE(eventually([&] { return fs::exists(run.order.memory + "/pipes/0-1/code"); }));
    ScriptLoop loop;
    REQUIRE(run.adopt(loop));
    CHECK(run.outcome().status == "completed");
  }
  CHECK(run.printed() == "before\nafter\nlast\n");
  ScriptLoop loop;
  CHECK_FALSE(run.adopt(loop));  // Nothing is left of it in memory.
}

TEST_CASE("a step that is gone when the program is back makes the run lost, and is not run again") {
  Run run;
  run.step("gone", "echo x >>$FILES/tries; touch $FILES/here; tail -f /dev/null");
  run.step("next", "touch $FILES/ran", {"gone"});
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return run.exists("here"); }));
  }
  const auto watcher = find_by_environment("MUSTER_WATCHES=" + run.order.memory + "/pipes/0-1");
  REQUIRE(watcher);
  REQUIRE(::kill(-static_cast<pid_t>(watcher->pid), SIGKILL) == 0);
  REQUIRE(eventually([&] { return !ChildProcess::adopt(*watcher); }));
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "lost");
  CHECK_FALSE(run.exists("ran"));
  CHECK(fs::file_size(run.file("tries")) == 2);
}

TEST_CASE("what had failed before has failed in another life, too, and nothing more is started") {
  Run run;
  run.step("bad", "touch $FILES/here; tail -f /dev/null");
  run.step("other", "touch $FILES/ran");
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return run.exists("here"); }));
  }
  const auto watcher = find_by_environment("MUSTER_WATCHES=" + run.order.memory + "/pipes/0-1");
  REQUIRE(watcher);
  REQUIRE(::kill(-static_cast<pid_t>(watcher->pid), SIGKILL) == 0);
  RunProgress progress;  // As it is when the program ends between a step's end and what follows from it.
  progress.began = system_now();
  progress.steps = {{"bad", 1, "failed", 3, "why", 0, 0, ""}, {"other", 0, "", 0, "", 0, 0, ""}};
  std::ofstream{run.order.memory + "/progress"} << to_json_text(progress);
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  const auto outcome = run.outcome();
  CHECK(outcome.status == "failed");
  CHECK(outcome.exit_code == 3);
  CHECK(outcome.error == "why");
  CHECK(run.heard("other=skipped"));
  CHECK_FALSE(run.exists("ran"));
}

TEST_CASE("a dry run tells of its steps and starts none") {
  Run run;
  run.order.dry = true;
  run.step("one", "touch $FILES/ran");
  ScriptLoop loop;
  run.begin(loop);
  CHECK(run.outcome().status == "completed");
  CHECK(run.told() == List{"started", "one:1", "one=skipped"});
  CHECK_FALSE(run.exists("ran"));
}

TEST_CASE("a step's other commands run before and after it, and end it") {
  Run run;
  run.step("main", "echo main >>$FILES/order; [ -z \"$WAIT\" ] || tail -f /dev/null");
  auto& step = run.order.steps[0];
  step.before = {{"bash", "-c", "echo before >>$FILES/order"}};
  step.cancel = {{"bash", "-c", "echo cancel >>$FILES/order"}};
  step.after = {{"bash", "-c", "echo after >>$FILES/order; exit 1"}};
  const auto lines = [&] {
    std::ifstream in{run.file("order")};
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  ScriptLoop loop;
  SECTION("in order") {
    run.begin(loop);
    CHECK(run.outcome().status == "completed");
    CHECK(lines() == "before\nmain\nafter\n");
  }
  SECTION("a failing one before fails it") {
    step.before.push_back({"bash", "-c", "echo why >&2; exit 4"});
    run.begin(loop);
    const auto outcome = run.outcome();
    CHECK(outcome.status == "failed");
    CHECK(outcome.error.find("why") != std::string::npos);
    CHECK(lines() == "before\n");
  }
  SECTION("when it is canceled") {
    step.env["WAIT"] = "1";
    const auto execution = run.begin(loop);
    REQUIRE(eventually([&] { return lines() == "before\nmain\n"; }));
    execution->cancel("");
    CHECK(run.outcome().status == "canceled");
    CHECK(lines() == "before\nmain\ncancel\nafter\n");
  }
}
