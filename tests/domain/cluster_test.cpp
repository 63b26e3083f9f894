// Shows the cluster's founding, feature level, checkpoints and compaction.
#include "domain/cluster.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::cluster;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;

Checkpointed checkpoint_at(uint64_t at) {
  return {at, std::string(64, 'a'), std::string(64, 'b'), 100, {}};
}
Compacted compaction_to(uint64_t to) {
  return {1, to, std::string(64, 'a'), to, 1000, to};
}

}  // namespace

TEST_CASE("the first start founds the cluster, the second only starts the member", "[S0-01][S0-07]") {
  Domain decide{cluster::decide};
  const MemberStarted n1{"n1", "0.1.0", 1, "key"};
  CHECK(decide(Start{"c1", n1, ""}) == Events{Created{"c1", 1}, n1});
  CHECK(decide(Start{"c2", n1, ""}) == Events{n1});
  CHECK(decide(Stop{"n1"}) == Events{MemberStopped{"n1"}});
}

TEST_CASE("a start after a restore moves the epoch far ahead", "[S0-05]") {
  Domain decide{cluster::decide};
  const MemberStarted n1{"n1", "0.1.0", 1, "key"};
  decide(Start{"c1", n1, ""});
  const auto events = decide(Start{"c1", n1, "digest"});
  REQUIRE(events.size() == 2);
  CHECK(std::get<Restored>(events[0]).epoch == kEpochJump);
  CHECK(decide.state.identity.epoch == kEpochJump);
}

TEST_CASE("the feature level rises only as far as every member can", "[S0-01]") {
  Domain decide{cluster::decide};
  decide(Upgrade{});
  CHECK(decide.refused() == "conflict");
  decide(Start{"c1", {"n1", "0.2.0", 3, ""}, ""});
  decide(Start{"c1", {"n2", "0.1.0", 2, ""}, ""});
  CHECK(decide(Upgrade{3}).empty());
  CHECK(decide.refused() == "conflict");
  CHECK(decide(Upgrade{0, true}).empty());
  CHECK(decide.result == R"({"feature_level":2,"before":1,"dry_run":true})");
  CHECK(decide(Upgrade{}) == Events{FeatureRaised{2}});
  CHECK(decide.result == R"({"feature_level":2,"before":1,"dry_run":false})");
  CHECK(decide(Upgrade{1}).empty());
  CHECK(decide.refused().empty());
}

TEST_CASE("lines go only under a checkpoint, and once", "[S0-08]") {
  Domain decide{cluster::decide};
  CHECK(decide(Compact{compaction_to(5)}).empty());
  CHECK(decide.refused() == "conflict");
  CHECK(decide(Checkpoint{checkpoint_at(10)}).size() == 1);
  CHECK(decide(Checkpoint{checkpoint_at(10)}).empty());
  CHECK(decide(Compact{compaction_to(11)}).empty());
  CHECK(decide(Compact{compaction_to(10)}) == Events{compaction_to(10)});
  CHECK(decide(Compact{compaction_to(10)}).empty());
  CHECK(decide.refused() == "conflict");
}
