// Shows what is decided about a run as a whole: of each step of a step job, of a job without steps once.
#include "domain/jobs/preparation.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::jobs;

namespace {

/// A step whose container wants the host's network, or nothing.
Step step(const std::string& script, bool network) {
  Step made;
  made.id = made.script = script;
  made.container = Container{};
  if (network) made.container->network = "host";
  return made;
}

Job stepped(std::vector<Step> steps) {
  Job job;
  job.folder = "job";
  job.executor = "container";
  job.container = Container{};
  job.container->image = "alpine";
  job.stepped = true;
  job.steps = std::move(steps);
  return job;
}

bool denies(const Preparation& prepared) {
  for (const auto& one : prepared.decisions())
    if (one.decision == Verdict::denied) return true;
  return false;
}

}  // namespace

TEST_CASE("a later step's denial is among the decisions, also where a step is called as its script") {
  const auto prepared = prepare(stepped({step("build.sh", false), step("next.sh", true)}), {}, {}, {});
  REQUIRE(prepared);
  CHECK(prepared->denial());
  CHECK(denies(*prepared));
}

TEST_CASE("findings name their step in a job that has steps") {
  const auto prepared =
    prepare(stepped({step("build.sh", false), step("next.sh", true)}), {}, {}, Profile::disabled);
  REQUIRE(prepared);
  REQUIRE(prepared->findings().size() == 1);
  CHECK(prepared->findings()[0].message.starts_with("step 1: container.network"));
}

TEST_CASE("a job without steps is judged once, however many scripts it has") {
  Job job;
  job.interpreter = "bash";
  job.env_inheritance = true;
  const auto prepared = prepare(job, {"000_one", "100_two"}, {}, {});
  REQUIRE(prepared);
  CHECK(prepared->steps.size() == 2);
  CHECK(prepared->decisions().size() == 1);
  CHECK(denies(*prepared));
  const auto allowed = prepare(job, {"000_one", "100_two"}, {}, Profile::disabled);
  REQUIRE(allowed);
  CHECK(allowed->findings().size() == 2);  // And that it runs without a sandbox.
  CHECK(allowed->findings()[0].message.starts_with("env.inheritance"));
}
