// A voter that may not lead: it follows and votes, and another one is elected.
#include <catch2/catch.hpp>

#include "support/cluster.hpp"

using namespace muster;
using namespace muster::consensus;

TEST_CASE("who may not lead gives its vote and follows, whoever falls") {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    INFO("seed " << seed);
    Cluster cluster{3, {.seed = seed}};
    cluster.commit(5);
    const auto old = cluster.leader()->id;
    const MemberId held = old == 1 ? 2 : 1, other = 6 - old - held;
    cluster.held_back = {held};
    cluster.crash(old);
    const auto term = cluster.nodes[held]->replica->term();
    cluster.await([&] { return cluster.leader() != nullptr; });
    REQUIRE(cluster.leader()->id == other);
    CHECK(cluster.nodes[other]->replica->term() <= term + 2);  // Nobody was asked for a vote in vain.
    cluster.commit(5);
    cluster.restart(old);
    cluster.await([&] { return cluster.same_everywhere(); });
    CHECK(cluster.nodes[held]->chain.head().seq == 10);
  }
}

TEST_CASE("who alone could lead and may not does so as soon as it may") {
  Cluster cluster{3};
  cluster.commit(5);
  const auto old = cluster.leader()->id;
  const MemberId held = old == 1 ? 2 : 1, behind = 6 - old - held;
  cluster.cut_off = {behind};
  cluster.commit(5);
  cluster.held_back = {held};
  cluster.crash(old);
  cluster.cut_off.clear();
  CHECK_FALSE(cluster.reached_within(10'000, [&] { return cluster.leader() != nullptr; }));
  cluster.held_back.clear();
  cluster.await([&] { return cluster.leader() && cluster.leader()->id == held; });
  cluster.commit(5);
  CHECK(cluster.nodes[held]->chain.head().seq == 15);
}
