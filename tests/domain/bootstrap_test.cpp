// Shows which reports of applying the profile are taken, and which are told only once.
#include "domain/bootstrap.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::bootstrap;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;

Reported report(std::string status = "ok", std::string key = "") {
  return {"n1", "storage", "ensure_bucket", std::move(status), "", "g1", std::move(key), 1, 20};
}

}  // namespace

TEST_CASE("a report is an event, also when it says what the last one said", "[S2-64]") {
  Domain decide{bootstrap::decide};
  CHECK(decide(Report{report()}) == Events{report()});
  CHECK(decide(Report{report()}) == Events{report()});
  CHECK(decide.result == R"({"repeated":false})");
}

TEST_CASE("components and statuses are those of the contract", "[S2-64]") {
  Domain decide{bootstrap::decide};
  for (const auto* component : {"storage", "broker", "index", "topics"})
    for (const auto* status : {"ok", "error", "needs_migration", "skipped"}) {
      auto made = report(status);
      made.component = component;
      CHECK(decide(Report{made}).size() == 1);
    }
  auto other = report();
  other.component = "queue";
  CHECK(decide(Report{other}).empty());
  CHECK(decide.pointers() == std::vector<std::string>{"/component"});
}

TEST_CASE("every missing field of a report is named at once", "[S2-64]") {
  Domain decide{bootstrap::decide};
  decide(Report{});
  CHECK(decide.refused() == "field.invalid");
  CHECK(decide.pointers() == std::vector<std::string>{"/node_id", "/component", "/action", "/status"});
  for (const auto& fault : decide.faults) CHECK(fault.message == "is required");
}

TEST_CASE("a repeated idempotency key is acknowledged and is no event", "[S2-45][S2-64]") {
  Domain decide{bootstrap::decide};
  CHECK(decide(Report{report("ok", "k1")}).size() == 1);
  CHECK(decide(Report{report("ok", "k1")}).empty());
  CHECK(decide.refused().empty());
  CHECK(decide.result == R"({"repeated":true})");
  CHECK(decide(Report{report("ok", "k2")}).size() == 1);
  auto other = report("ok", "k1");
  other.node = "n2";
  CHECK(decide(Report{other}).size() == 1);
}

TEST_CASE("the oldest keys are forgotten", "[S2-45]") {
  Domain decide{bootstrap::decide};
  for (size_t i = 0; i <= kMaxKeys; i++)
    decide.state = evolve(std::move(decide.state), report("ok", std::to_string(i)));
  CHECK(decide.state.keys.size() == kMaxKeys);
  CHECK(decide.state.order.size() == kMaxKeys);
  CHECK(decide(Report{report("ok", "1")}).empty());
  CHECK(decide(Report{report("ok", "0")}).size() == 1);
  CHECK(decide(Report{report("ok", "1")}).size() == 1);
}

TEST_CASE("an intent and the report that ends it have one key, and each is told once") {
  Domain decide{bootstrap::decide};
  const Intended intended{"n1", "storage", "apply", "folder", "g1", "k1", {"bucket media"}, 1};
  CHECK(decide(Intend{intended}) == Events{intended});
  CHECK(decide(Intend{intended}).empty());
  CHECK(decide.result == kRepeated);
  CHECK(decide(Report{report("ok", "k1")}) == Events{report("ok", "k1")});
  decide(Intend{{}});
  CHECK(decide.pointers() ==
        std::vector<std::string>{"/node_id", "/component", "/action", "/idempotency_key"});
}

TEST_CASE("what a report added is an event beside it, of the same node and component") {
  Domain decide{bootstrap::decide};
  const Thing tag{"tag", "media", "owner", {R"({"key":"owner","value":"platform"})"}};
  const Added added{"n1", "storage", "s3", true, {tag}};
  Report with{report("ok", "k1"), added};
  with.added.node.clear();
  CHECK(decide(with) == Events{report("ok", "k1"), added});
  CHECK(decide(with).empty());
  with = {report("ok", "k2"), {"", "", "s3", true, std::vector<Thing>(kMaxThings + 1, tag)}};
  CHECK(decide(with).empty());
  CHECK(decide.pointers() == std::vector<std::string>{"/added"});
  with.added.things = {{"bucket", "", "media", {"5"}}};
  CHECK(decide(with).empty());
  CHECK(decide.pointers() == std::vector<std::string>{"/added/0/kind", "/added/0/as"});
  with.added = {"", "", "s3", true, {tag}, "e\n1"};
  CHECK(decide(with).empty());
  CHECK(decide.pointers() == std::vector<std::string>{"/endpoint"});
}

TEST_CASE("a prune that took nothing away ends its intent all the same") {
  Domain decide{bootstrap::decide};
  const Removed nothing{"n1", "storage", "folder", false, "d", {}};
  CHECK(decide(Remove{nothing}) == Events{nothing});
  decide(Remove{{"n1", "storage", "folder", false, "d", std::vector<Thing>(kMaxThings + 1)}});
  CHECK(decide.pointers() == std::vector<std::string>{"/things"});
}

TEST_CASE("pausing and resuming name what is paused, and what changes nothing is no event") {
  Domain decide{bootstrap::decide};
  CHECK(decide(Pause{{"broker", "broker"}, "moving it"}) == Events{Paused{"broker", "moving it"}});
  CHECK(decide.result == R"({"paused":["broker"]})");
  CHECK(decide(Pause{{"broker"}, "again"}).empty());
  CHECK(decide(Pause{{}, ""}).size() == 3);
  CHECK(decide.result == R"({"paused":["broker","index","storage","topics"]})");
  CHECK(decide(Resume{{"index"}}) == Events{Resumed{"index"}});
  CHECK(decide(Resume{{"index"}}).empty());
  CHECK(decide(Resume{}).size() == 3);
  CHECK(decide.result == R"({"paused":[]})");
  CHECK(decide(Pause{{"queues"}, ""}).empty());
  CHECK(decide.pointers() == std::vector<std::string>{"/components/0"});
  CHECK(decide(Pause{{}, std::string(kMaxReason + 1, 'x')}).empty());
  CHECK(decide.pointers() == std::vector<std::string>{"/reason"});
}
