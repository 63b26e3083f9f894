// Shows what status is told of the cluster and its log.
#include "projections/cluster.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::cluster;

TEST_CASE("a member runs from its start to its stop", "[S0-06]") {
  const auto up = given::folded<View>(
    {Created{"c1", 1}, MemberStarted{"n1", "0.1.0", 2, "key", 0, "", "", "", ""}, FeatureRaised{2}});
  CHECK(up.identity->cluster == "c1");
  CHECK(up.identity->feature_level == 2);
  const auto* member = up.members.find(std::string("n1"));
  REQUIRE(member);
  CHECK(member->running);
  CHECK(member->version == "0.1.0");
  CHECK(member->started_at == given::after(Millis{1000}));
  const auto down =
    given::folded<View>({MemberStarted{"n1", "0.1.0", 2, "key", 0, "", "", "", ""}, MemberStopped{"n1"}});
  CHECK_FALSE(down.members.find(std::string("n1"))->running);
  CHECK(down.members.find(std::string("n1"))->stopped_at == given::after(Millis{1000}));
}

TEST_CASE("every record is counted under its type, unknown ones too", "[S0-06]") {
  const auto view =
    given::folded<View>({given::registered("n1"), given::registered("n2"), UnknownEvent{"a.b", "x"}});
  CHECK(view.types.find(std::string("node.registered"))->count == 2);
  CHECK(view.types.find(std::string("node.registered"))->last_seq == 2);
  CHECK(view.types.find(std::string("a.b"))->count == 1);
  CHECK(view.log.first_time == given::kStart);
  CHECK(view.log.last_time == given::after(Millis{2000}));
  CHECK(view.log.epoch == 7);
}

TEST_CASE("types beyond the limit are counted together", "[S0-06]") {
  std::vector<AnyEvent> events;
  for (size_t i = 0; i < View::kMaxTypes + 5; i++)
    events.push_back(UnknownEvent{"t" + std::to_string(i), "x"});
  const auto view = given::folded<View>(events);
  CHECK(view.types.size() == View::kMaxTypes + 1);
  CHECK(view.types.find(std::string("(others)"))->count == 5);
}

TEST_CASE("the last checkpoints and compactions are kept, and no more", "[S0-06]") {
  std::vector<AnyEvent> events;
  for (uint64_t i = 1; i <= 70; i++) {
    events.push_back(Checkpointed{i, "head", "digest", 10, {{"n1", "sig"}}});
    events.push_back(Compacted{1, i, "head", 1, 10, i});
  }
  const auto view = given::folded<View>(events);
  CHECK(view.checkpoints.size() == View::kMaxHistory);
  CHECK(view.checkpoints.find(uint64_t{139})->made.at == 70);
  CHECK(view.compactions.size() == View::kMaxHistory);
  CHECK(view.compactions.find(uint64_t{140})->dropped.to == 70);
  CHECK(view.compactions.find(uint64_t{140})->actor == "alice");
  CHECK(view.log.compacted_to == 70);
}

TEST_CASE("a restore is told, and the epoch is its epoch", "[S0-06]") {
  const auto view = given::folded<View>({Created{"c1", 1}, Restored{"digest", 9, 1000}});
  CHECK(view.identity->cluster == "c1");
  CHECK(view.identity->restored_from == "digest");
  CHECK(view.identity->restored_at == given::after(Millis{1000}));
  CHECK(view.log.epoch == 1000);
}

TEST_CASE("a line is named by the restore or recovery before it, each time differently, and for ever") {
  const auto before = given::folded<View>({Created{"c1", View::kTimelinesLevel}});
  CHECK(before.identity->name_at(9) == "c1");
  const Restored restored{"digest", 5, 1000};
  const auto view =
    given::folded<View>({Created{"c1", View::kTimelinesLevel}, restored, Recovered{"n1", {}, 8, 2000}});
  CHECK(view.identity->name_at(5) == "c1");
  CHECK(view.identity->name_at(6) == "c1@2026-01-02T03:04:06.000Z");
  CHECK(view.identity->name_at(8) == "c1@2026-01-02T03:04:06.000Z");
  CHECK(view.identity->name_at(9) == "c1@2026-01-02T03:04:07.000Z");
  const auto again =
    given::folded<View>({Created{"c1", View::kTimelinesLevel}, MemberStopped{"n1"}, restored});
  CHECK(again.identity->name_at(6) != view.identity->name_at(6));  // From one backup twice.
  CHECK(
    given::folded<View>({Created{"c1", View::kTimelinesLevel - 1}, restored}).identity->timelines.empty());
}

TEST_CASE("no more restores are kept than there are places for") {
  std::vector<AnyEvent> events{Created{"c1", View::kTimelinesLevel}};
  for (uint64_t i = 1; i <= View::kMaxHistory + 5; i++) events.push_back(Restored{"digest", i, 1000});
  const auto view = given::folded<View>(events);
  CHECK(view.identity->timelines.size() == View::kMaxHistory);
  CHECK(view.identity->timelines.back().after == View::kMaxHistory + 5);
}

TEST_CASE("a change of the cluster key is shown as far as it is, with who began it", "[S0-06]") {
  const KeyStaged staged{"r1", std::string(64, 'a'), std::string(64, 'b')};
  const auto begun = given::folded<View>({Created{"c1", 3}, staged, KeyForced{"r1", {"n3"}}});
  REQUIRE(begun.identity->key);
  CHECK(begun.identity->cluster == "c1");
  CHECK(begun.identity->key->phase == "staged");
  CHECK(begun.identity->key->to == staged.to);
  CHECK(begun.identity->key->without == std::vector<std::string>{"n3"});
  CHECK(begun.identity->key->began_at == given::after(Millis{1000}));
  CHECK(begun.identity->key->changed_at == given::after(Millis{2000}));
  const JoinTokenMade token{"t1", std::string(64, 'c'), given::after(std::chrono::hours{1})};
  const auto done =
    given::folded<View>({Created{"c1", 3}, token, staged, KeySwitched{"r1"}, KeyRotated{"r1"}});
  CHECK(done.identity->key->phase == "rotated");
  CHECK(done.join_tokens.size() == 0);
  CHECK_FALSE(given::folded<View>({Created{"c1", 3}, KeyRotated{"r1"}}).identity->key);
}

TEST_CASE("co-signers stand beside who made the checkpoint", "[S0-06]") {
  const Checkpointed made{7, std::string(64, 'a'), std::string(64, 'b'), 10, {{"n1", "one"}}};
  const CheckpointSigned second{7, made.head, made.digest, "n2", "two"};
  auto other = second;
  other.at = 8;
  const auto view = given::folded<View>({Created{"c1", 3}, made, second, other});
  const auto* row = view.checkpoints.find(uint64_t{2});
  REQUIRE(row);
  CHECK(row->made.signatures == StringMap{{"n1", "one"}, {"n2", "two"}});
}
