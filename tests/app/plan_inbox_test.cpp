// Shows that a plan waits for the looks that are under way, and not for ever.
#include "app/node/plan_inbox.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::app;

namespace {

constexpr Millis kNow{5'000};

PlanInbox::Given planned(std::string generation) {
  return {{std::move(generation), {}, "c"}, ""};
}

}  // namespace

TEST_CASE("a plan is taken once, and at once while nobody looks", "[S2-75]") {
  PlanInbox inbox;
  inbox.hold();
  inbox.release();
  inbox.put(planned("g1"), kNow);
  CHECK(inbox.take(kNow));
  CHECK_FALSE(inbox.take(kNow));
  CHECK_FALSE(inbox.due());
}

TEST_CASE("a plan waits until all looks have ended, and a newer one takes its place", "[S2-75]") {
  PlanInbox inbox;
  inbox.hold();
  inbox.put(planned("g1"), kNow);
  inbox.hold();
  inbox.release();
  CHECK_FALSE(inbox.take(kNow));
  inbox.put(planned("g2"), kNow);
  inbox.release();
  const auto taken = inbox.take(kNow);
  REQUIRE(taken);
  CHECK(taken->plan.generation == "g2");
}

TEST_CASE("a look that does not end holds up no plan for longer, also when newer plans come", "[S2-75]") {
  PlanInbox inbox;
  inbox.hold();
  inbox.put(planned("g1"), kNow);
  inbox.put(planned("g2"), kNow + Millis{1});
  const auto due = kNow + PlanInbox::kLongestWait;
  CHECK(inbox.due() == due);
  CHECK_FALSE(inbox.take(due - Millis{1}));
  CHECK(inbox.take(due));
}
