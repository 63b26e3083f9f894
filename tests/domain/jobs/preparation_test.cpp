// Shows what is decided about a run as a whole: of each step of a step job, of a job without steps once.
#include "domain/jobs/preparation.hpp"

#include <catch2/catch.hpp>

#include "domain/run_limits.hpp"

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

TEST_CASE("what is decided about many steps alike is one decision, and too many different ones are refused") {
  std::vector<Step> steps;
  for (size_t i = 0; i < runs::kMaxSteps; i++) {
    steps.push_back(step(std::to_string(i), true));
    steps.back().container->capabilities = {"CHOWN"};
  }
  auto job = stepped(std::move(steps));
  const auto alike = prepare(job, {}, {}, Profile::disabled);
  REQUIRE(alike);
  CHECK(alike->decisions().size() == 2);
  for (size_t i = 0; i < job.steps.size(); i++) job.steps[i].container->network = "net" + std::to_string(i);
  const auto different = prepare(job, {}, {}, Profile::disabled);
  REQUIRE_FALSE(different);
  CHECK(different.error().code == "E_CONFIG");
}

TEST_CASE("scripts that no run could have as its steps are refused before there is one") {
  Job job;
  job.interpreter = "bash";
  CHECK(prepare(job, {"000_a b"}, {}, {}));
  CHECK_FALSE(prepare(job, {"000_a\nb"}, {}, {}));
  CHECK_FALSE(prepare(job, {"000_\xff"}, {}, {}));
  std::vector<std::string> files;
  for (size_t i = 0; i <= runs::kMaxSteps; i++) files.push_back("000_" + std::to_string(i));
  CHECK_FALSE(prepare(job, files, {}, {}));
  files.pop_back();
  CHECK(prepare(job, files, {}, {}));
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
