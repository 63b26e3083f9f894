// Shows which steps fit together, in which order they run, what is skipped, and what follows an attempt.
#include "domain/jobs/steps.hpp"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/jobs/attempts.hpp"
#include "domain/run_limits.hpp"

using namespace muster;
using namespace muster::jobs;

namespace {

using State = Schedule::State;
using Indexes = std::vector<size_t>;

Step step(const std::string& id, std::vector<std::string> needs = {}) {
  Step made;
  made.id = id;
  made.script = "run.sh";
  made.needs = std::move(needs);
  return made;
}

Job job(std::vector<Step> steps, const std::string& executor = "proc") {
  Job made;
  made.folder = "a/b";
  made.stepped = true;
  made.interpreter = "bash";
  made.executor = executor;
  made.steps = std::move(steps);
  return made;
}

std::string fault(const Job& job) {
  const auto checked = check_steps(job);
  return checked ? "" : checked.error().code + " | " + checked.error().detail;
}

std::string fault_with(void (*change)(Job&)) {
  auto made = job({step("a"), step("b", {"a"})});
  change(made);
  return fault(made);
}

/// Runs to the end, `fails` failing; the order in which steps started.
Indexes played(Schedule& schedule, const std::set<size_t>& fails = {}) {
  Indexes order;
  std::vector<size_t> running;
  while (!schedule.done()) {
    for (const auto next : schedule.startable()) {
      schedule.started(next);
      running.push_back(next);
      order.push_back(next);
    }
    if (running.empty()) break;
    const auto ends = running.front();
    running.erase(running.begin());
    schedule.ended(ends, fails.count(ends) == 0);
  }
  return order;
}

/// Steps whose needs are anywhere in the list, without a cycle: a shuffled order decides who may need whom.
std::vector<Step> any_steps() {
  const auto count = *rc::gen::inRange<size_t>(1, 12);
  std::vector<size_t> rank;
  for (size_t i = 0; i < count; i++) rank.push_back(*rc::gen::inRange<size_t>(0, 1000));
  std::vector<Step> steps;
  for (size_t i = 0; i < count; i++) {
    steps.push_back(step("s" + std::to_string(i)));
    for (size_t other = 0; other < count; other++)
      if (rank[other] < rank[i] && *rc::gen::inRange(0, 3) == 0)
        steps[i].needs.push_back("s" + std::to_string(other));
  }
  return steps;
}

}  // namespace

TEST_CASE("steps that fit together pass, and a job without steps always does") {
  CHECK(fault(job({step("a"), step("b", {"a"}), step("")})) == "");
  CHECK(fault(Job{}) == "");
  auto inner = job({step("a")});
  inner.steps[0].script = "../../common/./x.sh";
  CHECK(fault(inner) == "");
}

TEST_CASE("faults of a job with steps have the contract's codes") {
  CHECK(fault_with([](Job& j) { j.interpreter = "container:alpine:3.20"; }) ==
        "E_CONFIG | interpreter must not be container: in a job with steps");
  CHECK(fault_with([](Job& j) { j.executor = ""; }) ==
        "E_CONFIG | executor is required in a job with steps: proc or container");
  CHECK(fault_with([](Job& j) { j.executor = "vm"; }) ==
        "E_CONFIG | executor \"vm\" is neither proc nor container");
  CHECK(fault_with([](Job& j) { j.steps[1].script = ""; }) == "E_CONFIG | steps[1]: script is required");
  CHECK(fault_with([](Job& j) {
          j.steps[1].id = "a";
          j.steps[1].needs = {};
        }) == "E_CONFIG | steps[1]: duplicate id \"a\"");
  CHECK(fault_with([](Job& j) { j.steps[0].needs = {"z"}; }) ==
        "E_CONFIG | steps[0]: needs the unknown step \"z\"");
  CHECK(fault_with([](Job& j) { j.steps[1].executor = "container"; }) ==
        "E_POLICY | steps[1]: mixed executors not allowed");
  CHECK(fault_with([](Job& j) { j.steps[0].container = Container{}; }) ==
        "E_CONFIG | steps[0]: container settings need executor container");
  CHECK(fault_with([](Job& j) { j.executor = "container"; }) ==
        "E_CONFIG | steps[0]: container.image is required on the step or the job");
  CHECK(fault_with([](Job& j) {
          j.executor = "container";
          j.container = Container{};
          j.container->image = "alpine:3.20";
        }) == "");
  CHECK(fault_with([](Job& j) { j.steps[0].needs = {"b"}; }) ==
        "E_CONFIG | steps need each other in a cycle: a -> b -> a");
  CHECK(fault_with([](Job& j) { j.steps[1].needs = {"b"}; }) ==
        "E_CONFIG | steps need each other in a cycle: b -> b");
  CHECK(fault_with([](Job& j) { j.steps.resize(runs::kMaxSteps + 1); }) ==
        "E_CONFIG | steps: more than 256 of them");
  // An id that was written like one that is given.
  CHECK(fault(job({step("step-001"), step("")})) == "E_CONFIG | steps[1]: duplicate id \"step-001\"");
}

TEST_CASE("a script outside its source is refused") {
  for (const std::string script : {"/etc/passwd", "../../../x.sh", "..", "../..", "x/../../../../y", "."}) {
    auto made = job({step("a")});
    made.folder = script == "." ? "" : made.folder;
    made.steps[0].script = script == ".." ? "../.." : script;
    INFO(script);
    CHECK(fault(made).find("is outside the job's source") != std::string::npos);
  }
  auto made = job({step("a")});
  made.steps[0].script = std::string("run\0.sh", 7);
  CHECK(fault(made).find("is outside") != std::string::npos);
}

TEST_CASE("every fault is named, the first in the detail") {
  auto made = job({step("a"), step("a", {"x", "y"})});
  made.steps[0].script = "";
  made.executor = "vm";
  const auto checked = check_steps(made);
  REQUIRE_FALSE(checked);
  REQUIRE(checked.error().fields.size() == 5);
  CHECK(checked.error().fields[1] == FieldError{"/steps/0", "script is required"});
}

TEST_CASE("steps without an id are numbered by their place") {
  const auto named = named_steps({step(""), step("b"), step("")});
  CHECK((named[0].id == "step-000" && named[1].id == "b" && named[2].id == "step-002"));
}

TEST_CASE("a step comes after what it needs, else as listed") {
  CHECK(*step_order({step("a", {"c"}), step("b"), step("c")}) == Indexes{1, 2, 0});
  CHECK(*step_order({step("a"), step("b"), step("c", {"a", "a"})}) == Indexes{0, 1, 2});
  CHECK(step_order({})->empty());
  CHECK(rc::check("the order is one that may run, and the first of those", [] {
    const auto steps = any_steps();
    const auto order = *step_order(steps);
    RC_ASSERT(order.size() == steps.size());
    std::set<std::string> before;
    std::set<size_t> done;
    for (const auto at : order) {
      for (size_t i = 0; i < steps.size(); i++) {
        const bool free = std::all_of(steps[i].needs.begin(), steps[i].needs.end(),
                                      [&](const auto& need) { return before.count(need) > 0; });
        if (done.count(i) == 0 && free) {
          RC_ASSERT(i == at);
          break;
        }
      }
      before.insert(steps[at].id);
      done.insert(at);
    }
    Schedule schedule(steps, 1);
    RC_ASSERT(played(schedule) == order);
  }));
}

TEST_CASE("independent steps run together up to the limit") {
  Schedule schedule({step("a"), step("b"), step("c", {"a"}), step("d")}, 2);
  CHECK(schedule.startable() == Indexes{0, 1});
  schedule.started(0);
  schedule.started(1);
  CHECK(schedule.startable().empty());
  schedule.ended(0, true);
  CHECK(schedule.startable() == Indexes{2});
  schedule.started(2);
  schedule.ended(1, true);
  CHECK(schedule.startable() == Indexes{3});
  CHECK_FALSE(schedule.done());
}

TEST_CASE("when a step fails, those that need it are skipped and others go on") {
  Schedule schedule({step("a"), step("b", {"a"}), step("c", {"b"}), step("d")}, 4);
  schedule.started(0);
  schedule.started(3);
  CHECK(schedule.ended(0, false) == Indexes{1, 2});
  CHECK((schedule.state(0) == State::failed && schedule.state(1) == State::skipped));
  CHECK_FALSE(schedule.done());
  CHECK(schedule.ended(3, true).empty());
  CHECK(schedule.done());
  CHECK(schedule.any_failed());
}

TEST_CASE("a stopped run starts nothing more and waits for what runs") {
  Schedule schedule({step("a"), step("b"), step("c", {"b"})}, 1);
  schedule.started(0);
  CHECK(schedule.stop() == Indexes{1, 2});
  CHECK(schedule.startable().empty());
  CHECK_FALSE(schedule.done());
  CHECK(schedule.ended(0, true).empty());
  CHECK(schedule.done());
  CHECK_FALSE(schedule.any_failed());
  CHECK(schedule.ended(1, true).empty());  // Skipped for good.
  CHECK(schedule.state(1) == State::skipped);
}

TEST_CASE("a resumed run goes on after what succeeded") {
  Schedule schedule({step("a"), step("b", {"a"}), step("c", {"b"})}, 1);
  schedule.ended(0, true);
  CHECK(schedule.startable() == Indexes{1});
}

TEST_CASE("whatever fails, every step ends or is skipped, and none starts before what it needs") {
  CHECK(rc::check("the schedule comes to its end", [] {
    const auto steps = any_steps();
    const auto failing = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, steps.size()));
    const std::set<size_t> fails{failing.begin(), failing.end()};
    Schedule schedule(steps, *rc::gen::inRange<size_t>(0, 5));
    const auto order = played(schedule, fails);
    RC_ASSERT(schedule.done());
    for (size_t i = 0; i < steps.size(); i++) {
      const bool ran = std::find(order.begin(), order.end(), i) != order.end();
      const bool may = std::all_of(steps[i].needs.begin(), steps[i].needs.end(), [&](const auto& need) {
        return schedule.state(std::stoul(need.substr(1))) == State::succeeded;
      });
      RC_ASSERT(ran == may);
      RC_ASSERT(ran == (schedule.state(i) != State::skipped));
    }
  }));
}

TEST_CASE("as many steps as there may be are ordered and skipped, one behind the other") {
  std::vector<Step> chain{step("0")};
  for (size_t i = 1; i < runs::kMaxSteps; i++)
    chain.push_back(step(std::to_string(i), {std::to_string(i - 1)}));
  CHECK(step_order(chain)->size() == runs::kMaxSteps);
  Schedule schedule(chain, 1);
  schedule.started(0);
  CHECK(schedule.ended(0, false).size() == runs::kMaxSteps - 1);
}

TEST_CASE("without steps the files 000_, 100_ and 999_ run, by name") {
  CHECK(main_scripts({"999_z", "100_b.sh", "000_a.sh", "000_.py", "200_x.sh", "00_a", "readme", "100"}) ==
        std::vector<std::string>{"000_.py", "000_a.sh", "100_b.sh", "999_z"});
  const auto steps = steps_to_run(Job{}, {"100_b.sh", "000_a.sh"});
  REQUIRE(steps.size() == 2);
  CHECK((steps[0].id == "000_a.sh" && steps[0].script == "000_a.sh"));
  CHECK(steps_to_run(Job{}, {}).empty());
  CHECK(steps_to_run(job({step("")}), {"000_a.sh"})[0].id == "step-000");
}

TEST_CASE("a step's container settings go over its job's") {
  auto made = job({step("a")}, "container");
  made.container = Container{"alpine", "none", Resources{"1", "1g"}, true, {{"CHOWN"}}, {}, {{"sh"}}};
  CHECK(step_container(made, made.steps[0])->rootfs_writable == true);
  made.steps[0].container = Container{"", "host", {}, {}, std::vector<std::string>{}, {{"-x"}}, {}};
  const auto merged = *step_container(made, made.steps[0]);
  CHECK((merged.image == "alpine" && merged.network == "host" && merged.resources->memory == "1g"));
  CHECK(merged.rootfs_writable == false);
  CHECK(merged.capabilities->empty());
  CHECK(merged.extra_args == std::vector<std::string>{"-x"});
  CHECK(merged.entrypoint == std::vector<std::string>{"sh"});
  CHECK_FALSE(step_container(Job{}, step("a")));
}

TEST_CASE("what follows an attempt is said by the policy") {
  using What = Follow::What;
  ErrorHandling handling{OnError::retry, 2, 7};
  CHECK(after_attempt(handling, 1, Ending::failed) == Follow{What::again, 7});
  CHECK(after_attempt(handling, 2, Ending::failed) == Follow{What::again, 7});
  CHECK(after_attempt(handling, 3, Ending::failed) == Follow{What::stop, 0});
  CHECK(after_attempt(handling, 1, Ending::canceled) == Follow{What::stop, 0});
  CHECK(after_attempt(handling, 1, Ending::succeeded) == Follow{What::go_on, 0});
  CHECK(after_attempt({OnError::abort, 2, 0}, 1, Ending::failed) == Follow{What::stop, 0});
  CHECK(after_attempt({OnError::go_on, 2, 0}, 1, Ending::failed) == Follow{What::go_on, 0});
}

TEST_CASE("the command line's word on errors goes over the job's") {
  Job made;
  made.error_handling = {OnError::go_on, 0, 0};
  CHECK(handling_of(made, {}, false).policy == OnError::go_on);
  CHECK(handling_of(made, {}, true).policy == OnError::abort);
  CHECK(handling_of(made, OnError::go_on, true).policy == OnError::go_on);
  CHECK(handling_of(made, OnError::retry, false).retries == 1);
  made.error_handling = {OnError::retry, 3, 1};
  CHECK(handling_of(made, {}, true).policy == OnError::retry);
  CHECK(handling_of(made, OnError::abort, false).policy == OnError::abort);
}
