// Three voters and more, on a quiet network: elections, partitions, newcomers.
#include "support/cluster.hpp"

#include <catch2/catch.hpp>

#include "consensus/raft_api.hpp"

using namespace muster;
using namespace muster::consensus;

TEST_CASE("three voters elect one leader and hold the same lines") {
  Cluster cluster{3};
  cluster.commit(20);
  cluster.await([&] { return cluster.same_everywhere(); });
  for (auto& [id, node] : cluster.nodes) {
    CHECK(node->chain.head().seq == 20);
    CHECK(node->replica->leader() == cluster.leader()->id);
    CHECK(node->replica->members().size() == 3);
  }
}

TEST_CASE(
  "a leader that is cut off steps down, the others elect another, and it comes back to the same lines") {
  Cluster cluster{3};
  cluster.commit(5);
  auto* old = cluster.leader();
  const auto told = old->lost;
  uint64_t index = 0;
  cluster.cut_off = {old->id};
  REQUIRE(old->replica->propose("never committed", index));
  cluster.commit(5);
  cluster.await([&] { return !old->replica->leading(); });
  CHECK(old->lost > told);
  CHECK(old->chain.head().seq == 5);
  cluster.cut_off.clear();
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK(old->chain.head().seq == 10);
  CHECK(cluster.nodes[1]->chain.bodies().size() == 10);
}

TEST_CASE("without a majority nothing is committed") {
  Cluster cluster{3};
  cluster.commit(3);
  auto* leader = cluster.leader();
  for (auto& [id, node] : cluster.nodes)
    if (id != leader->id) cluster.cut_off.insert(id);
  uint64_t index = 0;
  REQUIRE(leader->replica->propose("waits", index));
  const auto end = cluster.clock.now() + 10'000;
  while (cluster.clock.now() < end) cluster.clock.step(end);
  CHECK(leader->chain.head().seq == 3);
  CHECK_FALSE(leader->replica->leading());
}

TEST_CASE("who fell behind the snapshot fetches its lines from the others before it goes on") {
  Cluster cluster{3};
  cluster.commit(3);
  const MemberId behind = cluster.leader()->id == 1 ? 2 : 1;
  cluster.cut_off = {behind};
  cluster.commit(400);
  cluster.cut_off.clear();
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK(cluster.nodes[behind]->chain.head().seq == 403);
  cluster.commit(5);
  cluster.await([&] { return cluster.same_everywhere(); });
}

TEST_CASE("a lone voter takes in a newcomer, makes it a voter, hands over, and is removed") {
  Cluster cluster{1};
  cluster.commit(100);
  cluster.start(2, {});
  REQUIRE(cluster.leader()->replica->add({2, "n2", Role::spare}));
  CHECK_FALSE(cluster.nodes[2]->replica->add({3, "n3", Role::spare}));
  cluster.commit(1);
  REQUIRE(cluster.leader()->replica->assign(2, Role::standby));
  cluster.await([&] { return cluster.same_everywhere(); });
  REQUIRE(cluster.leader()->replica->assign(2, Role::voter));
  cluster.await([&] { return cluster.role_of(2) == Role::voter; });
  cluster.commit(10);
  cluster.await([&] { return cluster.same_everywhere(); });
  REQUIRE(cluster.leader()->id == 1);
  CHECK(cluster.nodes[1]->replica->remove(1).error().code == "conflict");
  CHECK(cluster.nodes[1]->replica->assign(1, Role::standby).error().code == "conflict");
  cluster.await([&] { return cluster.leader() && cluster.leader()->replica->transfer(2); });
  cluster.await([&] { return cluster.leader() && cluster.leader()->id == 2; });
  cluster.await([&] { return cluster.leader()->replica->remove(1) || cluster.role_of(1) == std::nullopt; });
  cluster.await(
    [&] { return cluster.role_of(1) == std::nullopt && cluster.leader()->replica->members().size() == 1; });
  cluster.nodes[1]->replica->close();
  cluster.commit(5);
  CHECK(cluster.nodes[2]->chain.head().seq == 116);
}

TEST_CASE("entries that come after the snapshot which holds them are known, not new") {
  Cluster cluster{1};
  cluster.commit(30);
  cluster.start(2, {});
  std::string late;
  cluster.on_send = [&](MemberId, MemberId to, const std::string& frame) {
    if (to == 2 && late.empty() && frame.size() > 500) late = frame;
    return to != 2 || late.empty();
  };
  REQUIRE(cluster.leader()->replica->add({2, "n2", Role::spare}));
  cluster.await([&] { return cluster.leader()->replica->assign(2, Role::standby) || !late.empty(); });
  cluster.await([&] { return !late.empty(); });
  cluster.commit(100);
  cluster.on_send = nullptr;
  cluster.await([&] { return cluster.same_everywhere(); });
  cluster.nodes[2]->replica->receive(1, late);
  cluster.commit(5);
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK(cluster.nodes[2]->chain.head().seq == 135);
}

TEST_CASE("what does not fit into a frame follows at once, not with the next heartbeat") {
  Cluster cluster{3, {.timing = {.snapshot_every = 1024, .trailing = 256}}};
  cluster.commit(1);
  const MemberId behind = cluster.leader()->id == 1 ? 2 : 1;
  cluster.cut_off = {behind};
  for (int i = 0; i < 60; i++) {
    uint64_t index = 0;
    const std::string body = std::to_string(i) + std::string(500'000, 'x');
    cluster.await([&] { return cluster.leader()->replica->propose(body, index); });
    cluster.await([&] { return cluster.leader()->chain.head().index >= index; });
  }
  cluster.cut_off.clear();
  cluster.await([&] { return cluster.nodes[behind]->chain.head().seq > 2; });
  const auto began = cluster.clock.now();
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK(cluster.clock.now() - began < 200);  // Sixty frames, of which a heartbeat would bring ten a second.
}

TEST_CASE("a candidate behind in its term learns the term of who denies it, and is elected") {
  Cluster cluster{3};
  cluster.commit(3);
  const auto old = cluster.leader()->id, behind = old == 1 ? MemberId{2} : MemberId{1};
  cluster.cut_off = {behind};
  cluster.commit(3);
  cluster.crash(behind);
  log::Batch batch;
  put_state(batch, 9, behind);  // It stood for elections meanwhile.
  REQUIRE(cluster.nodes[behind]->disk.write(batch, true));
  cluster.crash(old);
  cluster.cut_off.clear();
  cluster.restart(behind);
  cluster.await([&] { return cluster.leader() != nullptr; });
  CHECK(cluster.leader()->id == 6 - old - behind);
}

TEST_CASE("equal members are equal bytes in the log, without what libraft left in its memory") {
  Cluster cluster{1};
  cluster.start(2, {});
  REQUIRE(cluster.leader()->replica->add({2, "n2", Role::spare}));
  cluster.await([&] { return bool(cluster.leader()->replica->assign(2, Role::voter)); });
  cluster.await([&] { return cluster.role_of(2) == Role::voter; });
  cluster.commit(3);
  cluster.await([&] { return cluster.same_everywhere(); });
  size_t seen = 0;
  for (auto& [id, node] : cluster.nodes) {
    const auto stored = load_stored(node->disk);
    REQUIRE(stored);
    for (const auto& entry : stored->entries)
      if (const auto members = entry.type == 3 ? decode_configuration(entry.body) : std::nullopt) {
        CHECK(entry.body == encode_configuration(*members));
        seen++;
      }
  }
  CHECK(seen >= 6);
}

TEST_CASE("a leader tells how far each member's log is, and whether a change is under way") {
  Cluster cluster{3};
  cluster.commit(5);
  auto* leading = cluster.leader();
  const MemberId silent = leading->id == 1 ? 2 : 1, other = 6 - leading->id - silent;
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK_FALSE(cluster.nodes[other]->replica->progress());
  cluster.cut_off = {silent};
  const auto since = cluster.clock.now();
  cluster.commit(5);
  cluster.run_for(300);
  const auto progress = leading->replica->progress();
  REQUIRE(progress);
  CHECK(progress->members.size() == 3);
  CHECK_FALSE(progress->change_pending);
  CHECK(progress->last_index == leading->replica->last_index());
  for (const auto& member : progress->members) {
    REQUIRE(member.last_heard_ms);
    CHECK((*member.last_heard_ms > since + 5) == (member.id != silent));
    CHECK((member.match_index == progress->last_index) == (member.id != silent));
  }
  REQUIRE(leading->replica->add({4, "n4", Role::spare}));
  CHECK(leading->replica->progress()->change_pending);
  cluster.await([&] { return !leading->replica->progress()->change_pending; });
  CHECK(leading->replica->progress()->members.size() == 4);
}
