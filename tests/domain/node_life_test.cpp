// Shows what a node asks its control plane, and when: given answers and a clock.
#include "domain/node_life.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::node_life;

namespace {

/// The node answers what is due at once, until nothing is; then the clock moves on.
struct Node {
  State state;
  Tick now{0};

  std::optional<Ask> next() { return node_life::next(state, now); }
  void answer(Ask ask, int status, double chance = 0) {
    REQUIRE(next() == ask);
    answered(state, ask, status, now, chance);
  }
  void begin() {
    answer(Ask::registration, 200);
    answer(Ask::plan, 200);
    answer(Ask::heartbeat, 204);
    REQUIRE_FALSE(next());
  }
};

}  // namespace

TEST_CASE("a node registers, asks for its plan, beats, and comes back to both", "[S2-07][S2-13]") {
  Node node;
  node.state.ttl = Millis{45'000};
  node.begin();
  CHECK(due(node.state) == Tick{10'000});
  node.now = Tick{10'000};
  node.answer(Ask::plan, 200);
  node.now = Tick{15'000};
  node.answer(Ask::heartbeat, 204);
  CHECK(node.state.next_beat == Tick{30'000});
  node.now = Tick{15'001};
  notified(node.state, node.now);
  node.answer(Ask::plan, 200);
}

TEST_CASE("beats come at a third of the TTL, by chance a tenth sooner, never later", "[S2-13]") {
  CHECK(beat_after(Millis{45'000}, 0) == Millis{15'000});
  CHECK(beat_after(Millis{0}, 0) == Millis{30'000});
  CHECK(rc::check("any TTL, any chance", [](uint16_t seconds) {
    const Millis ttl{int64_t{seconds} * 1000 + 1000};
    const auto beat = beat_after(ttl, *rc::gen::inRange(0, 1001) / 1000.0);
    RC_ASSERT(beat <= ttl / 3);
    RC_ASSERT(beat >= ttl * 3 / 10 - Millis{1});
  }));
}

TEST_CASE("401 and 403 register again after pauses that double to a minute", "[S2-48]") {
  for (const int status : {401, 403}) {
    for (const auto ask : {Ask::plan, Ask::heartbeat}) {
      Node node;
      node.begin();
      Millis longest{1'000};
      for (int round = 0; round < 9; round++) {
        node.now = std::max(node.now, ask == Ask::plan ? node.state.next_plan : node.state.next_beat);
        if (ask == Ask::heartbeat) node.state.next_plan = Tick::max();
        node.answer(ask, status, 1);
        CHECK_FALSE(node.next());
        CHECK(due(node.state) == node.now + longest);
        node.now = due(node.state);
        node.answer(Ask::registration, 200);
        longest = std::min(longest * 2, Millis{60'000});
      }
      if (ask == Ask::heartbeat) continue;
      node.answer(Ask::plan, 200);
      CHECK(node.state.refusals == 0);
    }
  }
}

TEST_CASE("404 registers again at once, and with a pause when it comes again", "[S2-49]") {
  Node node;
  node.begin();
  node.now = Tick{10'000};
  node.answer(Ask::plan, 404);
  node.answer(Ask::registration, 200);
  node.answer(Ask::plan, 404);
  CHECK_FALSE(node.next());
  node.now = due(node.state);
  node.answer(Ask::registration, 200);
  node.answer(Ask::plan, 200);
}

TEST_CASE("a claim comes first; refused it is let be, unanswered it comes again", "[S2-07]") {
  Node node;
  node.state.claims = true;
  node.answer(Ask::claim, 0);
  node.now = due(node.state);
  node.answer(Ask::claim, 404);
  node.answer(Ask::registration, 200);
  CHECK(node.next() == Ask::plan);
}

TEST_CASE("while nobody answers a beat waits for its next tick, and facts hold nothing up", "[S2-42]") {
  Node node;
  node.state.ttl = Millis{3'000};
  node.begin();
  node.now = node.state.next_beat;
  node.answer(Ask::heartbeat, 0);
  CHECK_FALSE(node.state.reachable);
  CHECK(node.state.registered);
  CHECK_FALSE(node.next());
  node.state.facts = true;
  node.answer(Ask::facts, 0);
  CHECK_FALSE(node.next());
  node.now = node.state.next_beat;
  node.answer(Ask::heartbeat, 204);
  CHECK(node.state.reachable);
  node.now += kFactsPause;
  node.state.next_plan = node.state.next_beat = Tick::max();
  CHECK(node.next() == Ask::facts);
}

TEST_CASE("a plan of an older epoch of the same cluster is stale, of another cluster or of nobody it is not",
          "[S2-10]") {
  CHECK(is_stale({"c", 6}, {"c", 7}));
  CHECK_FALSE(is_stale({"c", 7}, {"c", 7}));
  CHECK_FALSE(is_stale({"c", 8}, {"c", 7}));
  CHECK_FALSE(is_stale({"d", 1}, {"c", 7}));
  CHECK_FALSE(is_stale({"", 1}, {"", 7}));
  CHECK_FALSE(is_stale({"c", 1}, {"", 7}));
}
