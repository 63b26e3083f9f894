// Shows what GET /v1/leader is answered from.
#include "projections/lease.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/lease.hpp"
#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::lease;

TEST_CASE("the holder, its epoch and since when", "[S1-20][S2-61]") {
  const auto view = given::folded<View>({Granted{"n1", "http://a", 3}, Moved{"n1", "http://b"}});
  CHECK(view.held());
  CHECK(view.holder.node == "n1");
  CHECK(view.holder.url == "http://b");
  CHECK(view.holder.epoch == 3);
  CHECK(view.holder.granted_at == given::kStart);
  CHECK(view.holder.since == 1);
  CHECK(view.history.find(uint64_t{3})->url == "http://b");
  CHECK(view.about.changed == 2);
}

TEST_CASE("a lapsed lease has no holder but keeps its epoch", "[S1-20][S2-61]") {
  const auto view = given::folded<View>({Granted{"n1", "http://a", 3}, Lapsed{"n1", 3}});
  CHECK_FALSE(view.held());
  CHECK(view.holder.epoch == 3);
  CHECK(view.history.find(uint64_t{3})->ended_at == given::after(Millis{1000}));
}

TEST_CASE("a restore clears the holder and raises the epoch", "[S2-61]") {
  const auto view = given::folded<View>({Granted{"n1", "http://a", 3}, cluster::Restored{"abc", 1, 1003}});
  CHECK_FALSE(view.held());
  CHECK(view.holder.epoch == 1003);
}

TEST_CASE("the last grants are kept, and no more", "[S2-61]") {
  std::vector<AnyEvent> events;
  for (uint64_t epoch = 1; epoch <= 100; epoch++) events.push_back(Granted{"n1", "http://a", epoch});
  const auto view = given::folded<View>(events);
  CHECK(view.history.size() == View::kMaxHistory);
  CHECK(view.history.first()->first == 37);
  CHECK(view.holder.epoch == 100);
}

TEST_CASE("whatever is decided of the lease, the view and the state name one holder", "[S1-20][S2-60]") {
  CHECK(rc::check("any commands", [] {
    namespace gen = rc::gen;
    given::Domain<State, Command, Event> decide{lease::decide};
    uint64_t highest = 0;
    const auto steps = *gen::inRange(0, 60);
    for (int i = 0; i < steps; i++) {
      const auto node = *gen::element<std::string>("a", "b", "c");
      if (*gen::inRange(0, 4) == 0)
        decide(Lapse{decide.state.lease.epoch});
      else
        decide(Claim{node, "http://" + *gen::element<std::string>("x", "y"), *gen::arbitrary<bool>()});
      RC_ASSERT(decide.state.lease.epoch >= highest);
      highest = decide.state.lease.epoch;
    }
    const auto view = decide.view<View>();
    RC_ASSERT(view.holder.node == decide.state.lease.node);
    RC_ASSERT(view.holder.url == decide.state.lease.url);
    RC_ASSERT(view.holder.epoch == decide.state.lease.epoch);
  }));
}
