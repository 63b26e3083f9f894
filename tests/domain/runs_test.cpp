// Shows which runs may start, who waits, and that every fact of a run counts once.
#include "domain/runs.hpp"

#include <catch2/catch.hpp>

#include "domain/run_facts.hpp"
#include "tests/domain/support/runs_given.hpp"

using namespace muster;
using namespace muster::runs;
using given::asked;
using given::fact;
using Events = std::vector<Event>;
using Domain = given::Domain<State, Command, Event>;

namespace {

constexpr Limits kOne{1, 1, 2};

std::vector<std::string> types(const Events& events) {
  std::vector<std::string> all;
  for (const auto& event : events)
    all.push_back(match(event)([]<class E>(const E& e) {
      auto text = std::string(E::type);
      if constexpr (requires { e.run; }) text += " " + e.run;
      if constexpr (requires { e.status; }) text += " " + e.status;
      return text;
    }));
  return all;
}
using Types = std::vector<std::string>;

Submit submit(const std::string& run, const std::string& job = "demo") {
  return {asked(run, job), {}, kOne};
}
Submit grouped(const std::string& run, const std::string& policy, Limits limits = {}) {
  Submit made{asked(run, "job of " + run), {}, limits};
  made.run.group = "g";
  made.run.policy = policy;
  return made;
}
Finished ended(const std::string& run, uint64_t number, const std::string& status = "completed") {
  auto made = fact<Finished>(run, number);
  made.status = status;
  return made;
}
Report told(std::vector<Told> facts, Limits limits = kOne) {
  return {"n1", "s", std::move(facts), limits};
}

}  // namespace

TEST_CASE("a run that may start is accepted and dispatched in one decision", "[S3-33]") {
  Domain decide{runs::decide};
  CHECK(types(decide(submit("r1"))) == Types{"run.accepted r1", "run.dispatched r1"});
  CHECK(decide.result == R"({"id":"r1","status":"queued","dispatched":true})");
  CHECK(types(decide(submit("r2"))) == Types{"run.accepted r2"});
  CHECK(decide.result == R"({"id":"r2","status":"queued","dispatched":false})");
}

TEST_CASE("the end of a run starts the next one, in the same decision") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  decide(submit("r2"));
  decide(submit("r3"));
  CHECK(types(decide(told({fact<Started>("r1", 1), ended("r1", 2)}))) ==
        Types{"run.started r1", "run.finished r1 completed", "run.dispatched r2"});
  CHECK(decide.result == R"({"taken_to":2})");
  CHECK(types(decide(told({ended("r2", 3, "failed")}))) ==
        Types{"run.finished r2 failed", "run.dispatched r3"});
}

TEST_CASE("the higher priority leaves the queue first, then who came first") {
  Domain decide{runs::decide};
  decide(submit("running"));
  for (const auto& [run, priority] : std::vector<std::pair<std::string, int64_t>>{
         {"low", INT64_MIN}, {"first", 0}, {"second", 0}, {"high", INT64_MAX}}) {
    auto one = submit(run);
    one.run.priority = priority;
    one.limits.queued = 9;
    decide(one);
  }
  uint64_t number = 0;
  std::vector<std::string> order;
  for (std::string run = "running"; !run.empty();) {
    const auto events = decide(told({ended(run, ++number)}));
    run = "";
    for (const auto& event : events)
      if (const auto* next = std::get_if<Dispatched>(&event)) order.push_back(run = next->run);
  }
  CHECK(order == Types{"high", "first", "second", "low"});
}

TEST_CASE("who may not start does not hold up those of another node, job or group") {
  const Limits limits{2, 1, 9};
  Domain decide{runs::decide};
  const auto on = [&](const std::string& run, const std::string& job, const std::string& node) {
    Submit one{asked(run, job), {}, limits};
    one.run.node = node;
    return types(decide(one)).size() == 2;
  };
  CHECK(on("r1", "a", "n1"));
  CHECK_FALSE(on("r2", "a", "n2"));  // The job's limit.
  CHECK(on("r3", "b", "n1"));
  CHECK_FALSE(on("r4", "c", "n1"));  // The node's.
  CHECK(on("r5", "d", "n2"));
  CHECK(types(decide(told({ended("r3", 1)}, limits))) ==
        Types{"run.finished r3 completed", "run.dispatched r4"});
}

TEST_CASE("a full queue refuses, and names its limit") {
  Domain decide{runs::decide};
  for (const auto* run : {"r1", "r2", "r3"}) decide(submit(run));
  CHECK(decide(submit("r4")).empty());
  CHECK(decide.refused() == "rate.limited");
  CHECK(types(decide(submit("r5", "other"))).empty());  // The node is full, and so is the queue.
  auto elsewhere = submit("r6", "other");
  elsewhere.run.node = "n2";
  CHECK(decide(elsewhere).size() == 2);
}

TEST_CASE("runs of one group wait for each other") {
  Domain decide{runs::decide};
  decide(grouped("r1", "queue"));
  CHECK(types(decide(grouped("r2", "queue"))) == Types{"run.accepted r2"});
  CHECK(types(decide(told({ended("r1", 1)}, {}))) == Types{"run.finished r1 completed", "run.dispatched r2"});
}

TEST_CASE("with the policy skip a run of a busy group is accepted and canceled with the reason") {
  Domain decide{runs::decide};
  CHECK(decide(grouped("r1", "skip")).size() == 2);
  const auto events = decide(grouped("r2", "skip"));
  CHECK(types(events) == Types{"run.accepted r2", "run.canceled r2", "run.finished r2 canceled"});
  CHECK(std::get<Canceled>(events[1]).reason == "skipped: the group g has a run already");
  CHECK(
    decide.result ==
    R"({"id":"r2","status":"canceled","reason":"skipped: the group g has a run already","dispatched":false})");
  decide(told({ended("r1", 1)}, {}));
  CHECK(types(decide(grouped("r3", "skip"))) == Types{"run.accepted r3", "run.dispatched r3"});
}

TEST_CASE("with the policy cancel_running the new run waits for the end of the one it cancels") {
  Domain decide{runs::decide};
  decide(grouped("r1", "queue"));
  CHECK(types(decide(grouped("r2", "cancel_running"))) == Types{"run.accepted r2", "run.canceled r1"});
  CHECK(types(decide(grouped("r3", "cancel_running"))) ==
        Types{"run.accepted r3"});  // r1 is canceled already.
  CHECK(types(decide(told({ended("r1", 1, "failed")}, {}))) ==
        Types{"run.finished r1 canceled", "run.dispatched r2"});
}

TEST_CASE("canceling a run that waits ends it at once; of one that runs its node says so", "[S3-37]") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  decide(submit("r2"));
  CHECK(types(decide(Cancel{"r2"})) == Types{"run.canceled r2", "run.finished r2 canceled"});
  CHECK(decide.result == R"({"id":"r2","status":"canceled","changed":true})");
  CHECK(types(decide(Cancel{"r1"})) == Types{"run.canceled r1"});
  CHECK(decide(Cancel{"r1"}).empty());
  CHECK(decide.result == R"({"id":"r1","status":"canceled","changed":false})");
  CHECK(types(decide(submit("r3"))) == Types{"run.accepted r3"});  // r1 still has its place.
  CHECK(types(decide(told({ended("r1", 1, "canceled")}))) ==
        Types{"run.finished r1 canceled", "run.dispatched r3"});
}

TEST_CASE("what has ended stays as it ended, whatever comes late", "[S3-37]") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  decide(told({ended("r1", 1, "failed")}));
  CHECK(decide(Cancel{"r1"}).empty());
  CHECK(decide.result == R"({"id":"r1","status":"failed","changed":false})");
  CHECK(decide(told({fact<Started>("r1", 2), ended("r1", 3)})).empty());
  CHECK(decide.result == R"({"taken_to":3})");
  CHECK(decide(submit("r1")).empty());
  CHECK(decide.refused() == "name.taken");
  CHECK(decide(Cancel{"nobody"}).empty());
  CHECK(decide.refused() == "not.found");
}

TEST_CASE("a run that ended before its cancel reached the node is canceled all the same") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  decide(Cancel{"r1"});
  auto done = ended("r1", 1);
  done.digest = std::string(64, 'a');
  done.bytes = 17;
  const auto events = decide(told({done}));
  CHECK(types(events) == Types{"run.finished r1 canceled"});
  CHECK(std::get<Finished>(events[0]).bytes == 17);
}

TEST_CASE("facts count once, also when the node's store is a new one") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  auto step = fact<StepStarted>("r1", 2);
  step.step = "build";
  step.attempt = 1;
  auto done = fact<StepFinished>("r1", 3);
  done.step = "build";
  done.attempt = 1;
  done.exit_code = -1;
  done.status = "failed";
  const std::vector<Told> facts{fact<Started>("r1", 1), step, done};
  CHECK(decide(told(facts)).size() == 3);
  CHECK(decide(told(facts)).empty());
  CHECK(decide(Report{"n1", "another", facts, kOne}).empty());
  auto again = step;
  again.attempt = 2;
  again.local_seq = 4;
  auto unknown = step;
  unknown.step = "no step";
  unknown.attempt = 9;
  unknown.local_seq = 5;
  CHECK(types(decide(told({again, unknown}))) == Types{"step.started r1"});
  CHECK(decide.result == R"({"taken_to":5})");
}

TEST_CASE("a node tells of runs that it was given, and of no others") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  decide(submit("r2"));
  CHECK(decide(Report{"n2", "s", {fact<Started>("r1", 1)}, kOne}).empty());
  CHECK(decide(told({fact<Started>("r2", 1), fact<Started>("nobody", 2)})).empty());
  auto forged = fact<Started>("r1", 3);
  forged.node = "n2";
  forged.source = "forged";
  const auto events = decide(told({forged}));
  REQUIRE(events.size() == 1);
  CHECK(std::get<Started>(events[0]).node == "n1");
  CHECK(std::get<Started>(events[0]).source == "s");
}

TEST_CASE("the runs of a node that was taken off the list are lost, or canceled when they never began") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  decide(submit("r2"));
  auto elsewhere = submit("r3", "other");
  elsewhere.run.node = "n2";
  decide(elsewhere);
  CHECK(decide(Sweep{{}, kOne}).empty());
  CHECK(types(decide(Sweep{{"n1"}, kOne})) ==
        Types{"run.finished r1 lost", "run.canceled r2", "run.finished r2 canceled"});
  CHECK(decide(Sweep{{"n1"}, kOne}).empty());
  CHECK(decide(told({ended("r1", 9)})).empty());  // It comes back too late.
  CHECK(decide(Cancel{"r1"}).empty());
  CHECK(decide.result == R"({"id":"r1","status":"lost","changed":false})");
}

TEST_CASE("a sweep starts what higher limits allow") {
  Domain decide{runs::decide};
  for (const auto* run : {"r1", "r2", "r3"}) decide(submit(run));
  CHECK(types(decide(Sweep{{}, Limits{2, 2, 2}})) == Types{"run.dispatched r2"});
}

TEST_CASE("a run that the policy denies leaves its decisions on record, and no run", "[S3-40]") {
  Domain decide{runs::decide};
  auto one = submit("r1");
  one.policies = {given::policy("image", "warn", "image.signature.permissive"),
                  given::policy("container.network", "denied", "policy.denied", "no")};
  const auto events = decide(one);
  REQUIRE(types(events) == Types{"policy.decided ", "policy.decided "});
  CHECK(std::get<PolicyDecided>(events[1]).job == "demo");
  CHECK(std::get<PolicyDecided>(events[1]).stream() == "policy");
  const auto why = refusal_of(decide.result);
  REQUIRE(why);
  CHECK(why->code == "policy.denied");
  CHECK(why->detail == "no");
  one.policies.pop_back();
  CHECK(types(decide(one)) == Types{"run.accepted r1", "policy.decided r1", "run.dispatched r1"});
  CHECK_FALSE(refusal_of(decide.result));
}

TEST_CASE("a run retries or resumes one of its job that has ended") {
  Domain decide{runs::decide};
  decide(submit("r1"));
  auto retry = submit("r2");
  retry.run.of = "r1";
  CHECK(decide(retry).empty());
  CHECK(decide.refused() == "conflict");
  decide(told({ended("r1", 1, "failed")}));
  retry.run.from_step = "build";
  CHECK(decide(retry).size() == 2);
  retry.run.run = "r3";
  retry.run.job = "other";
  CHECK(decide(retry).empty());
  CHECK(decide.pointers() == Types{"/of"});
  retry.run.of = "r0";
  CHECK(decide(retry).empty());
  CHECK(decide.refused() == "not.found");
}

TEST_CASE("only so many runs that ended are known") {
  Domain decide{runs::decide};
  for (size_t i = 1; i <= kMaxEnded + 1; i++) {
    const auto run = "r" + std::to_string(i);
    decide.state = evolve(std::move(decide.state), asked(run, "demo"));
    decide.state = evolve(std::move(decide.state), ended(run, i));
  }
  CHECK(decide.state.ended.size() == kMaxEnded);
  CHECK(decide.state.ended_order.size() == kMaxEnded);
  CHECK_FALSE(decide.state.ended.contains("r1"));
  CHECK((decide.state.queue.empty() && decide.state.active.empty()));
}

TEST_CASE("what is asked for is refused with the place of every fault") {
  Domain decide{runs::decide};
  const auto refused = [&](const Command& command) {
    CHECK(decide(command).empty());
    CHECK(decide.refused() == "field.invalid");
    return decide.pointers();
  };
  auto bad = submit("../../etc");
  bad.run.job = "a\nb";
  bad.run.args.text = "{";
  bad.run.node = "a/b";
  bad.run.profile = "";
  bad.run.steps = {{"x", ""}, {"x", "\xff"}};
  bad.run.policy = "queue";
  bad.run.from_step = "y";
  bad.policies = {given::policy("s", "perhaps", "c")};
  CHECK(refused(bad) == Types{"/run", "/job", "/args", "/profile", "/node", "/steps/1/name", "/steps/1/id",
                              "/from_step", "/from_step", "/policy", "/policies/0/decision"});
  for (const auto* id : {"", ".", ".hidden", "a:b", "a b", "r\n", "é"})
    CHECK(refused(submit(id)) == Types{"/run"});
  CHECK(refused(submit(std::string(kMaxRunId + 1, 'a'))) == Types{"/run"});
  auto large = submit("r");
  large.run.args.text = "{\"a\":\"" + std::string(kMaxArguments, 'a') + "\"}";
  large.run.steps.assign(kMaxSteps + 1, {"s", ""});
  large.policies.assign(kMaxPolicies + 1, given::policy("s", "allowed", "c"));
  CHECK(refused(large) == Types{"/args", "/steps", "/policies"});

  auto odd = ended("r1", 2, "perhaps");
  odd.exit_code = -2;
  odd.digest = "abc";
  odd.error = std::string(kMaxReason + 1, 'e');
  auto never = fact<StepStarted>("r1", 2);
  CHECK(refused(told({odd, never})) == Types{"/facts/0/status", "/facts/0/exit_code", "/facts/0/error",
                                             "/facts/0/digest", "/facts/1/local_seq", "/facts/1/step",
                                             "/facts/1/attempt"});
  CHECK(refused(Report{"n1", "", {}, kOne}) == Types{"/source"});
  CHECK(refused(told(std::vector<Told>(kMaxFacts + 1, odd))) == Types{"/facts"});
  CHECK(refused(Cancel{"r1", std::string(kMaxReason + 1, 'r')}) == Types{"/reason"});
}

TEST_CASE("a fact reads as it was written") {
  auto one = ended("r1", 7);
  one.digest = std::string(64, '0');
  one.last = 9;
  const auto again = fact_of(body_of(Told{one}));
  REQUIRE(again);
  auto expected = one;
  expected.node = expected.source = "";  // The report says these.
  CHECK(std::get<Finished>(*again) == expected);
  FactBody other;
  other.type = "run.accepted";
  CHECK_FALSE(fact_of(other));
}
