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
  const MemberStarted n1{"n1", "0.1.0", 1, "key", 0, "", "", "", ""};
  CHECK(decide(Start{"c1", n1, ""}) == Events{Created{"c1", 1}, n1});
  CHECK(decide(Start{"c2", n1, ""}) == Events{n1});
  CHECK(decide(Stop{"n1"}) == Events{MemberStopped{"n1"}});
}

TEST_CASE("a start after a restore moves the epoch far ahead", "[S0-05]") {
  Domain decide{cluster::decide};
  const MemberStarted n1{"n1", "0.1.0", 1, "key", 0, "", "", "", ""};
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
  decide(Start{"c1", {"n1", "0.1.0", 1, "", 0, "", "", "", ""}, ""});
  decide(Start{"c1", {"n1", "0.2.0", 3, "", 0, "", "", "", ""}, ""});
  decide(Start{"c1", {"n2", "0.1.0", 2, "", 0, "", "", "", ""}, ""});
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

namespace {

const MemberStarted kFounder{"n1", "0.2.0", 2, "key", 11, "h1:7070", "http://h1:8070", std::string(64, '1'),
                             "b1"};
const MemberJoined kSecond{"n2", 22, "h2:7070", "http://h2:8070", std::string(64, '2'), ""};

Domain founded() {
  Domain decide{cluster::decide};
  decide(Start{"c1", kFounder, ""});
  return decide;
}

}  // namespace

TEST_CASE("a cluster is founded with its first member, at the level of its build", "[S0-07]") {
  Domain decide{cluster::decide};
  const MemberJoined itself{"n1", 11, "h1:7070", "http://h1:8070", std::string(64, '1'), ""};
  CHECK(decide(Start{"c1", kFounder, ""}) == Events{Created{"c1", 2}, itself, kFounder});
  CHECK(decide(Start{"c1", kFounder, ""}) == Events{kFounder});
}

TEST_CASE("who holds the cluster key joins, and is told the same when it asks again", "[S0-07]") {
  auto decide = founded();
  CHECK(decide(Join{kSecond, true, false, "", false}) == Events{kSecond});
  CHECK(decide.result == R"({"member":"n2","id":22,"cluster":"c1"})");
  auto again = kSecond;
  again.id = 23;
  CHECK(decide(Join{again, true, false, "", true}).empty());
  CHECK(decide.result == R"({"member":"n2","id":22,"cluster":"c1"})");
}

TEST_CASE("nobody is taken for a member by its name and key alone", "[S0-07]") {
  auto decide = founded();
  decide(Join{kSecond, true, false, "", false});
  CHECK(decide(Join{kSecond, false, false, std::string(64, 'a'), false}).empty());
  CHECK(decide.refused() == "join.refused");
  // Who proves to hold the key asks again after an answer that was lost, or after the cluster key was
  // changed.
  CHECK(decide(Join{kSecond, false, true, std::string(64, 'a'), false}).empty());
  CHECK(decide.refused().empty());
  CHECK(decide.result == R"({"member":"n2","id":22,"cluster":"c1"})");
  // A key that is proven and not a member's opens nothing.
  auto other = kSecond;
  other.key = std::string(64, '4');
  CHECK(decide(Join{other, false, true, std::string(64, 'a'), false}).empty());
  CHECK(decide.refused() == "join.refused");
  // A member with a token of its own gets in, and the token is used up.
  const JoinTokenMade made{"t1", std::string(64, 'c'), given::after(std::chrono::hours{1})};
  decide(MakeJoinToken{made});
  CHECK(decide(Join{kSecond, false, false, made.hash, false}) == Events{JoinTokenSpent{"t1", "n2"}});
}

TEST_CASE("a join token lets one node in, until it expires", "[S0-07]") {
  auto decide = founded();
  CHECK(decide(Join{kSecond, false, false, std::string(64, 'a'), false}).empty());
  CHECK(decide.refused() == "join.refused");
  const JoinTokenMade made{"t1", std::string(64, 'a'), given::after(std::chrono::hours{1})};
  CHECK(decide(MakeJoinToken{made}) == Events{made});
  CHECK(decide(Join{kSecond, false, false, std::string(64, 'b'), false}).empty());
  auto joined = kSecond;
  joined.by = "t1";
  CHECK(decide(Join{kSecond, false, false, std::string(64, 'a'), false}) ==
        Events{JoinTokenSpent{"t1", "n2"}, joined});
  auto third = kSecond;
  third.member = "n3";
  third.id = 33;
  third.key = std::string(64, '3');
  CHECK(decide(Join{third, false, false, std::string(64, 'a'), false}).empty());
  CHECK(decide.refused() == "join.refused");
  CHECK(decide(MakeJoinToken{{"t2", std::string(64, 'c'), given::kStart - Millis{1}}}).empty());
  CHECK(decide.refused() == "field.invalid");
  CHECK(decide(RevokeJoinToken{"t1"}).empty());
  CHECK(decide.refused() == "not.found");
}

TEST_CASE("a second node of the same name gets in only when the first one is silent", "[S0-07]") {
  auto decide = founded();
  decide(Join{kSecond, true, false, "", false});
  auto other = kSecond;
  other.id = 44;
  other.key = std::string(64, '4');
  CHECK(decide(Join{other, true, false, "", true}).empty());
  CHECK(decide.refused() == "member.duplicate");
  CHECK(decide(Join{other, true, false, "", false}) == Events{MemberLeft{"n2", 22, "replaced"}, other});
}

TEST_CASE("the last member cannot be removed, any other can", "[S0-07]") {
  auto decide = founded();
  CHECK(decide(Leave{"n1", "removed"}).empty());
  CHECK(decide.refused() == "conflict");
  decide(Join{kSecond, true, false, "", false});
  CHECK(decide(Leave{"n9", "removed"}).empty());
  CHECK(decide.refused() == "member.unknown");
  CHECK(decide(Leave{"n2", "removed"}) == Events{MemberLeft{"n2", 22, "removed"}});
  CHECK(decide.state.members.size() == 1);
}

TEST_CASE("a recovery moves the epoch and forgets who was lost", "[S0-07]") {
  auto decide = founded();
  decide(Join{kSecond, true, false, "", false});
  const auto events = decide(Start{"c1", kFounder, "", 0, Recovered{"n1", {"n2"}, 9, 0}});
  CHECK(events == Events{Recovered{"n1", {"n2"}, 9, kEpochJump}, kFounder});
  CHECK(decide.state.members.size() == 1);
}

TEST_CASE("a cluster of the first level has one member only", "[S0-07]") {
  Domain decide{cluster::decide};
  decide(Start{"c1", {"n1", "0.1.0", 1, "", 0, "", "", "", ""}, ""});
  CHECK(decide(Join{kSecond, true, false, "", false}).empty());
  CHECK(decide.refused() == "conflict");
}

TEST_CASE("what a broker was told is put on record, never back, and nothing else goes before it was told") {
  Domain decide{cluster::decide};
  decide(Start{"c1", {"n1", "0.2.0", kOutboxLevel, "", 0, "", "", "", ""}, ""});
  CHECK(decide(MoveOutbox{{"", 0}}).empty());
  CHECK(decide(MoveOutbox{{"rabbitmq", 4}}) == Events{OutboxMoved{"rabbitmq", 4}});
  CHECK(decide(MoveOutbox{{"rabbitmq", 4}}).empty());
  CHECK(decide(MoveOutbox{{"rabbitmq", 3}}).empty());
  decide(Checkpoint{checkpoint_at(10)});
  auto compact = Compact{compaction_to(5), "rabbitmq"};
  CHECK(decide(compact).empty());
  CHECK(decide.refused() == "conflict");
  CHECK(decide(MoveOutbox{{"rabbitmq", 5}}).size() == 1);
  CHECK(decide(compact).size() == 1);
  CHECK(decide(Compact{compaction_to(9), ""}).size() == 1);  // No broker is configured any more.
  CHECK(decide(MoveOutbox{{"kafka", 2}}) == Events{OutboxMoved{"kafka", 2}});
  CHECK(decide(MoveOutbox{{"", 0}}) == Events{OutboxMoved{"", 0}});
  CHECK(!decide.state.identity.outbox);
}

TEST_CASE("an older level knows no outbox") {
  Domain decide{cluster::decide};
  decide(Start{"c1", {"n1", "0.1.0", kOutboxLevel - 1, "", 0, "", "", "", ""}, ""});
  CHECK(decide(MoveOutbox{{"rabbitmq", 4}}).empty());
  CHECK(decide.refused().empty());
}
