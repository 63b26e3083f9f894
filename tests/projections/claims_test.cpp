// Shows what a watcher of a claim sees, and for how long.
#include "projections/claims.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/claims.hpp"
#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::claims;
using namespace std::chrono_literals;

namespace {

const View::Row& row(const View& view, const std::string& claim) {
  const auto* found = view.claims.find(claim);
  REQUIRE(found);
  return *found;
}

Opened opened(std::string id) {
  return {id, "hash-" + id, given::after(24h)};
}

}  // namespace

TEST_CASE("a claim is open until it is fulfilled, and says by whom", "[S1-22][S1-24]") {
  const auto open = given::folded<View>({opened("c1")});
  CHECK(row(open, "c1").state == "open");
  CHECK(row(open, "c1").expires_at == given::after(24h));
  CHECK(open.counts.open == 1);
  const auto done = given::folded<View>({opened("c1"), Fulfilled{"c1", "n1", {R"({"gpu":[]})"}}});
  CHECK(row(done, "c1").state == "fulfilled");
  CHECK(row(done, "c1").node == "n1");
  CHECK(row(done, "c1").info.text == R"({"gpu":[]})");
  CHECK(row(done, "c1").closed_at == given::after(1s));
  CHECK(done.counts.open == 0);
}

TEST_CASE("what is closed stays closed, and what never was is not shown", "[S1-25]") {
  const auto view =
    given::folded<View>({opened("c1"), Expired{"c1"}, Fulfilled{"c1", "n1", {}}, Expired{"c2"}});
  CHECK(row(view, "c1").state == "expired");
  CHECK(view.claims.size() == 1);
  CHECK(view.about.changed == 2);
}

TEST_CASE("a watcher that comes within a day still sees how a claim ended", "[S1-22]") {
  View view;
  view.fold(given::record(1, given::kStart, opened("c1")));
  view.fold(given::record(2, given::kStart, Fulfilled{"c1", "n1", {}}));
  view.fold(given::record(3, given::after(24h - 1ms), given::registered("n1")));
  CHECK(row(view, "c1").state == "fulfilled");
  view.fold(given::record(4, given::after(24h), given::registered("n2")));
  CHECK(view.claims.empty());
  CHECK(view.closed.empty());
  CHECK(view.about.changed == 4);
}

TEST_CASE("closed claims go a few at a time, the oldest first", "[S1-22]") {
  View view;
  uint64_t seq = 0;
  for (int i = 0; i < 200; i++) {
    const auto id = "c" + std::to_string(i);
    view.fold(given::record(++seq, given::kStart, opened(id)));
    view.fold(given::record(++seq, given::after(Millis{i}), Expired{id}));
  }
  const auto late = given::after(48h);
  for (const size_t left : {136, 72, 8, 0}) {
    view.fold(given::record(++seq, late, given::registered("n1")));
    CHECK(view.claims.size() == left);
    CHECK(view.closed.size() == left);
  }
}

TEST_CASE("a claim opened anew under an old id is not taken for the old one", "[S1-21]") {
  View view;
  view.fold(given::record(1, given::kStart, opened("c1")));
  view.fold(given::record(2, given::kStart, Expired{"c1"}));
  view.fold(given::record(3, given::after(1s), opened("c1")));
  view.fold(given::record(4, given::after(25h), given::registered("n1")));
  CHECK(row(view, "c1").state == "open");
  CHECK(view.counts.open == 1);
}

TEST_CASE("whatever is decided of claims, the view shows open what the state holds", "[S1-21][S1-25]") {
  CHECK(rc::check("any commands", [] {
    namespace gen = rc::gen;
    given::Domain<State, Command, Event> decide{claims::decide};
    const auto steps = *gen::inRange(0, 60);
    for (int i = 0; i < steps; i++) {
      decide.now += *gen::element<Millis>(0ms, 1s, 1h);
      const auto n = std::to_string(*gen::inRange(0, 20));
      switch (*gen::inRange(0, 3)) {
        case 0:
          decide(Open{std::to_string(i), "h" + std::to_string(i), decide.now + 2h});
          break;
        case 1:
          decide(Fulfill{*gen::element<std::string>("", n), "h" + n, "n1", {}});
          break;
        default:
          decide(Sweep{});
      }
    }
    const auto view = decide.view<View>();
    uint64_t open = 0;
    view.claims.each([&](const std::string& id, const View::Row& shown) {
      RC_ASSERT((shown.state == "open") == decide.state.open.contains(id));
      open += shown.state == "open";
    });
    RC_ASSERT(open == decide.state.open.size());
    RC_ASSERT(view.counts.open == open);
  }));
}
