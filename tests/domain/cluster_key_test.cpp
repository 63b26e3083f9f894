// Shows how the cluster key is changed step by step, and who may sign a checkpoint.
#include "domain/cluster_key.hpp"

#include <catch2/catch.hpp>

#include "domain/cluster.hpp"
#include "tests/support/decided.hpp"
#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::cluster;

namespace {

using Events = std::vector<Event>;
using Domain = given::Domain<State, Command, Event>;

const MemberStarted kFirst{"n1", "0.3.0", 3, "key", 11, "h1:7070", "http://h1:8070", std::string(64, '1'),
                           "b1"};
const MemberJoined kSecond{"n2", 22, "h2:7070", "http://h2:8070", std::string(64, '2'), ""};
const KeyStaged kStaged{"r1", std::string(64, 'a'), std::string(64, 'b')};

Domain founded() {
  Domain decide{cluster::decide};
  decide(Start{"c1", kFirst, ""});
  decide(Join{kSecond, true, false, "", false});
  return decide;
}

Checkpointed checkpoint_at(uint64_t at) {
  return {at, std::string(64, 'c'), std::string(64, 'd'), 10, {{"n1", std::string(128, 'e')}}};
}
CheckpointSigned signed_at(uint64_t at, const std::string& member) {
  return {at, std::string(64, 'c'), std::string(64, 'd'), member, std::string(128, 'f')};
}

}  // namespace

TEST_CASE("the cluster key is changed in three steps, each once") {
  auto decide = founded();
  CHECK(decide(ForceKey{}).empty());
  CHECK(decide.refused() == "conflict");
  CHECK(decide(RotateKey{kStaged}) == Events{kStaged});
  CHECK(decide(RotateKey{{"r2", kStaged.to, kStaged.from}}).empty());
  CHECK(decide.refused() == "conflict");
  CHECK(decide(AdvanceKey{"r1", "rotated"}).empty());  // Not before all show the new one.
  CHECK(decide(AdvanceKey{"r2", "switched"}).empty());
  CHECK(decide(AdvanceKey{"r1", "switched"}) == Events{KeySwitched{"r1"}});
  CHECK(decide(AdvanceKey{"r1", "switched"}).empty());
  CHECK(decide(AdvanceKey{"r1", "rotated"}) == Events{KeyRotated{"r1"}});
  CHECK(decide(AdvanceKey{"r1", "rotated"}).empty());
  CHECK(decide(ForceKey{{"n2"}}).empty());
  CHECK(decide.refused() == "conflict");
  const KeyStaged next{"r2", kStaged.to, kStaged.from};
  CHECK(decide(RotateKey{next}) == Events{next});
}

TEST_CASE("who is left out of a change is named, each once") {
  auto decide = founded();
  decide(RotateKey{kStaged});
  CHECK(decide(ForceKey{{"n2"}}) == Events{KeyForced{"r1", {"n2"}}});
  CHECK(decide(ForceKey{{"n2"}}).empty());
  CHECK(decide.refused().empty());
  CHECK(decide.state.identity.key->without == std::vector<std::string>{"n2"});
}

TEST_CASE("join tokens do not outlive the key that they name, nor does the old key let anybody in") {
  auto decide = founded();
  decide(MakeJoinToken{{"t1", std::string(64, '7'), given::after(std::chrono::hours{1})}});
  auto third = kSecond;
  third.member = "n3";
  third.id = 33;
  third.key = std::string(64, '3');
  decide(RotateKey{kStaged});
  CHECK(decide(Join{third, true, true, "", false}).empty());  // By the key that is on its way out.
  CHECK(decide.refused() == "join.refused");
  decide(AdvanceKey{"r1", "switched"});
  CHECK(decide.state.join_tokens.size() == 0);
  CHECK(decide(Join{third, false, false, std::string(64, '7'), false}).empty());
  CHECK(decide.refused() == "join.refused");
  CHECK(decide(Join{kSecond, false, true, "", false}).empty());  // A member that missed it.
  CHECK(decide.refused().empty());
  decide(AdvanceKey{"r1", "rotated"});
  CHECK(decide(Join{third, true, true, "", false}) == Events{third});
}

TEST_CASE("a cluster of an earlier level keeps its key, and its checkpoints one signature") {
  Domain decide{cluster::decide};
  auto first = kFirst;
  first.feature_level = 2;
  decide(Start{"c1", first, ""});
  CHECK(decide(RotateKey{kStaged}).empty());
  CHECK(decide.refused() == "conflict");
  decide(Checkpoint{checkpoint_at(10)});
  CHECK(decide(SignCheckpoint{signed_at(10, "n1")}).empty());
  CHECK_FALSE(decide.state.identity.checkpoint);
}

TEST_CASE("each member signs the last checkpoint once, and no other") {
  auto decide = founded();
  CHECK(decide(SignCheckpoint{signed_at(10, "n2")}).empty());
  decide(Checkpoint{checkpoint_at(10)});
  CHECK(decide(SignCheckpoint{signed_at(10, "n1")}).empty());  // It made it.
  CHECK(decide(SignCheckpoint{signed_at(10, "n9")}).empty());
  CHECK(decide.refused() == "member.unknown");
  auto other = signed_at(10, "n2");
  other.digest = std::string(64, '0');
  CHECK(decide(SignCheckpoint{other}).empty());
  CHECK(decide.refused() == "conflict");
  CHECK(decide(SignCheckpoint{signed_at(10, "n2")}) == Events{signed_at(10, "n2")});
  CHECK(decide(SignCheckpoint{signed_at(10, "n2")}).empty());
  decide(Checkpoint{checkpoint_at(20)});
  CHECK(decide(SignCheckpoint{signed_at(10, "n2")}).empty());
  CHECK(decide(SignCheckpoint{signed_at(20, "n2")}) == Events{signed_at(20, "n2")});
}
