// Runs that another life of the program goes on with: what is not known is said, and nothing begins twice.
#include <csignal>
#include <future>

#include "adapters/script_process.hpp"
#include "tests/adapters/run_by_hand.hpp"

using namespace muster;

namespace {

using List = std::vector<std::string>;
constexpr const char* kWaitForGo = "until [ -e $FILES/go ] || [ ! -e $FILES ]; do :; done; ";

/// The run as it is when the program ends after it wrote down that its first step's first attempt begins.
void ends_before_a_script_begins(Run& run) {
  fs::create_directories(run.order.memory + "/pipes");
  std::ofstream{run.order.memory + "/order"} << to_json_text(run.order);
  RunProgress progress;
  progress.began = system_now();
  for (const auto& step : run.order.steps) progress.steps.push_back({step.id, 0, 0, "", 0, "", 0, 0, ""});
  progress.steps.front().attempt = 1;
  progress.steps.front().state = "running";
  std::ofstream{run.order.memory + "/progress"} << to_json_text(progress);
}

/// Until somebody has looked how it ended, a child of this process is found.
bool has_gone(const ProcessId& process) {
  auto found = ChildProcess::adopt(process);
  return !found || found->look().state == Look::State::ended;
}

}  // namespace

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
  run.order.steps[0].after = {{"bash", "-c", "touch $FILES/removed"}};  // As it removes a container.
  run.step("next", "touch $FILES/ran", {"gone"});
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return run.exists("here"); }));
  }
  const auto watcher = find_by_environment("MUSTER_WATCHES=" + run.order.memory + "/pipes/0-1");
  REQUIRE(watcher);
  REQUIRE(::kill(-static_cast<pid_t>(watcher->pid), SIGKILL) == 0);
  REQUIRE(eventually([&] { return has_gone(*watcher); }));
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "lost");
  CHECK_FALSE(run.exists("ran"));
  CHECK(run.exists("removed"));
  CHECK(fs::file_size(run.file("tries")) == 2);
}

TEST_CASE("a run that is lost is lost also when the program ends once more before its other steps do") {
  Run run;
  run.order.at_once = 2;
  run.step("gone", "touch $FILES/here; tail -f /dev/null");
  run.step("other", "touch $FILES/there; " + std::string{kWaitForGo});
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return run.exists("here") && run.exists("there"); }));
  }
  const auto watcher = find_by_environment("MUSTER_WATCHES=" + run.order.memory + "/pipes/0-1");
  REQUIRE(watcher);
  REQUIRE(::kill(-static_cast<pid_t>(watcher->pid), SIGKILL) == 0);
  REQUIRE(eventually([&] { return has_gone(*watcher); }));
  {
    ScriptLoop loop;
    REQUIRE(run.adopt(loop));
    REQUIRE(eventually([&] { return run.heard("gone=failed"); }));
  }
  run.touch("go");
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "lost");
}

TEST_CASE(
  "when a run is lost, what waits for its next attempt is not tried again, and what waits is skipped") {
  Run run;
  run.order.at_once = 2;
  run.order.on_error = "retry";
  run.order.retries = 3;
  run.step("gone", "touch $FILES/ran");
  run.step("flaky", "touch $FILES/ran");
  run.step("third", "touch $FILES/ran");
  ends_before_a_script_begins(run);
  fs::create_directories(run.order.memory + "/pipes/0-1");
  std::ofstream{run.order.memory + "/pipes/0-1/began"};
  RunProgress progress;
  progress.began = system_now();
  progress.steps = {{"gone", 1, 0, "running", 0, "", 0, 0, ""},
                    {"flaky", 1, 0, "waiting", 5, "", 0, 0, ""},
                    {"third", 0, 0, "", 0, "", 0, 0, ""}};
  std::ofstream{run.order.memory + "/progress"} << to_json_text(progress);
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "lost");
  CHECK_FALSE(run.exists("ran"));
  CHECK(run.heard("third=skipped"));
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
  progress.steps = {{"bad", 1, 0, "failed", 3, "why", 0, 0, ""}, {"other", 0, 0, "", 0, "", 0, 0, ""}};
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

TEST_CASE("a script that had not begun is started by the next life of the program, as the same attempt") {
  Run run;
  run.step("one", "echo x >>$FILES/tries; echo said");
  run.order.notes = {"policy.decision {}"};
  ends_before_a_script_begins(run);
  const auto pipes = run.order.memory + "/pipes/0-1";
  SECTION("nothing of it was made") {}
  SECTION("its folder was") {
    fs::create_directory(pipes);
  }
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "completed");
  CHECK(fs::file_size(run.file("tries")) == 2);
  CHECK(run.told() == List{"started", "one:1", "one=completed"});
  CHECK(run.events() == List{"policy.decision", "run.start", "step.finish", "run.finish"});
}

TEST_CASE("a script that is held up on its way does not begin after it was given up") {
  Run run;
  const auto pipes = run.file("pipes");
  fs::create_directory(pipes);
  CHECK(never_begins(pipes));
  fs::remove(pipes + "/began");
  fs::remove(pipes);
  auto begun = ScriptProcess::start({{"/bin/sh", "-c", "echo x"}, {}, "/", pipes});
  REQUIRE(begun);
  REQUIRE(eventually([&] { return begun->status().has_value(); }));
  CHECK_FALSE(never_begins(pipes));
  begun->kill();
}

TEST_CASE("a run that was canceled does not start in its next life what had not begun") {
  Run run;
  run.step("one", "touch $FILES/ran");
  ends_before_a_script_begins(run);
  RunProgress progress;
  progress.began = system_now();
  progress.canceled = true;
  progress.steps = {{"one", 1, 0, "running", 0, "", 0, 0, ""}};
  std::ofstream{run.order.memory + "/progress"} << to_json_text(progress);
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "canceled");
  CHECK_FALSE(run.exists("ran"));
}

TEST_CASE("a run that was canceled while the program was away begins nothing more") {
  Run run;
  run.step("one", "touch $FILES/here; " + std::string{kWaitForGo});
  run.step("two", "touch $FILES/ran", {"one"});
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return run.exists("here"); }));
  }
  run.touch("go");
  REQUIRE(eventually([&] { return fs::exists(run.order.memory + "/pipes/0-1/code"); }));
  ScriptLoop loop;
  REQUIRE(run.adopt(loop, "by request"));
  CHECK(run.outcome().status == "canceled");
  CHECK_FALSE(run.exists("ran"));
  CHECK(run.events().at(2) == "run.canceled");
}

TEST_CASE(
  "a run whose time is over when the program is back ends, and what waited for an attempt does not begin") {
  Run run;
  run.order.timeout_s = 1;
  run.order.on_error = "retry";
  run.order.retries = 3;
  run.step("flaky", "touch $FILES/ran");
  ends_before_a_script_begins(run);
  RunProgress progress;
  progress.began = system_now() - std::chrono::hours{1};
  progress.steps = {{"flaky", 1, 0, "waiting", 5, "", 0, 0, ""}};
  std::ofstream{run.order.memory + "/progress"} << to_json_text(progress);
  {
    ScriptLoop loop;
    REQUIRE(run.adopt(loop));
    CHECK(run.outcome().exit_code == kTimedOut);
    std::promise<void> after;  // Both were due at once: what is asked for now is done after both.
    loop.later({}, [&] { after.set_value(); });
    after.get_future().wait();
  }
  CHECK(run.events().back() == "run.finish");
  CHECK_FALSE(run.heard("flaky:2"));
  CHECK_FALSE(run.exists("ran"));
}

TEST_CASE("a dry run starts nothing in its next life, either") {
  Run run;
  run.order.dry = true;
  run.step("one", "touch $FILES/ran");
  ends_before_a_script_begins(run);
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "completed");
  CHECK_FALSE(run.exists("ran"));
}

TEST_CASE("what an earlier run has done is not done when the program ends at once") {
  Run run;
  run.step("one", "touch $FILES/again");
  run.step("two", "touch $FILES/here; " + std::string{kWaitForGo}, {"one"});
  run.order.done = {"one"};
  {
    ScriptLoop loop;
    run.begin(loop);
    REQUIRE(eventually([&] { return fs::exists(run.order.memory + "/progress"); }));
  }
  run.touch("go");
  ScriptLoop loop;
  REQUIRE(run.adopt(loop));
  CHECK(run.outcome().status == "completed");
  CHECK_FALSE(run.exists("again"));
  CHECK(run.heard("one=completed"));  // Whoever resumes this run in its turn is to know.
}
