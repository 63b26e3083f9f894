// Runs on this machine, with real scripts: order, attempts, ends, and another life of the program in between.
#include "adapters/run_execution.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "tests/adapters/run_by_hand.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

using List = std::vector<std::string>;

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

TEST_CASE("a run ends at once also while a step waits for its next attempt", "[S3-39]") {
  Run run;
  run.order.on_error = "retry";
  run.order.retries = 3;
  run.order.backoff_s = 3600;
  run.step("flaky", "exit 5");
  run.step("next", "touch $FILES/ran", {"flaky"});
  ScriptLoop loop;
  SECTION("when it is canceled") {
    const auto execution = run.begin(loop);
    REQUIRE(eventually([&] { return run.heard("flaky=failed"); }));
    execution->cancel("by request");
    CHECK(run.outcome().status == "canceled");
  }
  SECTION("when it takes too long") {
    run.order.timeout_s = 1;
    run.begin(loop);
    CHECK(run.outcome().exit_code == kTimedOut);
  }
  CHECK_FALSE(run.exists("ran"));
  CHECK_FALSE(run.heard("flaky:2"));
}

TEST_CASE("nothing of a run that has ended waits for its time limit") {
  Run run;
  run.order.timeout_s = 3600;
  run.step("quick", ":");
  ScriptLoop loop;
  const std::weak_ptr<Execution> execution = run.begin(loop);
  CHECK(run.outcome().status == "completed");
  CHECK(eventually([&] { return execution.expired(); }));
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
  SECTION("the next one that ends it is tried when one of them fails") {
    step.env["WAIT"] = "1";
    step.cancel = {{"bash", "-c", "echo stop >>$FILES/order; exit 125"},
                   {"bash", "-c", "echo kill >>$FILES/order"}};
    const auto execution = run.begin(loop);
    REQUIRE(eventually([&] { return lines() == "before\nmain\n"; }));
    execution->cancel("");
    CHECK(run.outcome().status == "canceled");
    CHECK(lines() == "before\nmain\nstop\nkill\nafter\n");
  }
  SECTION("what went wrong first is told, also when the next one cannot even start") {
    step.before.push_back({"bash", "-c", "echo why >&2; exit 4"});
    step.before.push_back({"/no/such/program"});
    step.before.push_back({"bash", "-c", "echo third >>$FILES/order"});
    run.begin(loop);
    const auto outcome = run.outcome();
    CHECK(outcome.error.find("why") != std::string::npos);
    CHECK(lines() == "before\nthird\n");
  }
  SECTION("what it says is told as UTF-8, however it is written and wherever it is cut") {
    step.before.push_back(
      {"bash", "-c", "printf 'bad \\xff'; printf '\\xe2\\x82\\xac%.0s' {1..999}; exit 4"});
    run.begin(loop);
    const auto outcome = run.outcome();
    CHECK(outcome.error.find("bad \xef\xbf\xbd\xe2\x82\xac") != std::string::npos);
    CHECK(is_utf8(outcome.error));
    CHECK(outcome.error.ends_with("\xe2\x82\xac"));
  }
  SECTION("a container that is gone already needs no freeing") {
    step.before.push_back({"bash", "-c", "echo 'Error: No such container: x' >&2; exit 1"});
    run.begin(loop);
    CHECK(run.outcome().status == "completed");
  }
}
