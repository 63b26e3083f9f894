// Shows what GET /v1/nodes is answered from, and that it agrees with what was decided.
#include "projections/nodes.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "domain/nodes.hpp"
#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::nodes;

namespace {

Changed report(std::string node, StringMap versions = {}) {
  return {std::move(node), "worker", {"capture"}, std::move(versions)};
}

const View::Row& row(const View& view, const std::string& node) {
  const auto* found = view.nodes.find(node);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("a node is registered, healthy after its first heartbeat, stale when silent", "[S1-17][S0-06]") {
  const std::vector<AnyEvent> events = {given::registered("n1"), report("n1"), Silent{"n1", given::kStart},
                                        Returned{"n1"}};
  const std::vector<std::string> statuses = {"registered", "healthy", "stale", "healthy"};
  for (size_t n = 1; n <= events.size(); n++) {
    const auto view = given::folded<View>({events.begin(), events.begin() + static_cast<std::ptrdiff_t>(n)});
    CHECK(row(view, "n1").status() == statuses[n - 1]);
    CHECK(row(view, "n1").seq == n);
    CHECK(view.counts.registered == (statuses[n - 1] == "registered"));
    CHECK(view.counts.healthy == (statuses[n - 1] == "healthy"));
    CHECK(view.counts.stale == (statuses[n - 1] == "stale"));
  }
}

TEST_CASE("a node was last heard when an event last proved it alive", "[S1-17]") {
  const auto seen = given::after(Millis{1'700});
  const auto view = given::folded<View>({given::registered("n1"), report("n1"), Silent{"n1", seen}});
  CHECK(row(view, "n1").registered_at == given::kStart);
  CHECK(row(view, "n1").last_heard == seen);
  const auto back = given::folded<View>({given::registered("n1"), Silent{"n1", {}}, Returned{"n1"}});
  CHECK(row(back, "n1").last_heard == given::after(Millis{2'000}));
}

TEST_CASE("versions of a heartbeat override those of the registration", "[S1-17][S2-58]") {
  auto record = given::registered("n1");
  record.versions = {{"agent", "1"}, {"discovery", "2"}};
  const auto view = given::folded<View>({record, report("n1", {{"agent", "3"}})});
  CHECK(row(view, "n1").versions() == StringMap{{"agent", "3"}, {"discovery", "2"}});
}

TEST_CASE("registering again replaces the record and what the heartbeats said", "[S1-14][S1-17]") {
  auto record = given::registered("n1");
  record.host = "edge-b";
  const auto view = given::folded<View>({given::registered("n1"), report("n1"), record});
  CHECK(row(view, "n1").record->host == "edge-b");
  CHECK(row(view, "n1").status() == "registered");
  CHECK(row(view, "n1").report->services_running.empty());
  CHECK(view.nodes.size() == 1);
}

TEST_CASE("a node that was forgotten is off the list and counted", "[S1-17]") {
  const auto view =
    given::folded<View>({given::registered("n1"), report("n1"), Forgotten{"n1"}, Forgotten{"n1"}});
  CHECK(view.nodes.empty());
  CHECK(view.counts.healthy == 0);
  CHECK(view.counts.forgotten == 1);
  CHECK(view.about.changed == 3);
}

TEST_CASE("records of other domains leave the view as it is", "[S0-06]") {
  const auto view = given::folded<View>({given::registered("n1"), claims::Expired{"n1"}, Silent{"n2", {}}});
  CHECK(view.about.changed == 1);
  CHECK(view.nodes.size() == 1);
}

TEST_CASE("whatever is decided of nodes, the view says of each what the state says", "[S1-16][S1-17]") {
  CHECK(rc::check("any commands", [] {
    namespace gen = rc::gen;
    given::Domain<State, Command, Event> decide{nodes::decide};
    const auto steps = *gen::inRange(0, 60);
    for (int i = 0; i < steps; i++) {
      decide.now += Millis{*gen::inRange(0, 5000)};
      const auto node = *gen::element<std::string>("a", "b", "c");
      auto record = given::registered(node);
      record.host = *gen::element<std::string>("x", "y");
      switch (*gen::inRange(0, 7)) {
        case 6:
          decide(Forget{node});
          break;
        case 0:
        case 1:
          decide(Register{record});
          break;
        case 2:
        case 3:
          decide(Heartbeat{report(node, {{"agent", record.host}})});
          break;
        default:
          decide(MarkSilent{node, decide.now});
      }
    }
    const auto view = decide.view<View>();
    uint64_t stale = 0;
    RC_ASSERT(view.nodes.size() == decide.state.nodes.size());
    decide.state.nodes.each([&](const std::string& id, const Node& node) {
      const auto* shown = view.nodes.find(id);
      RC_ASSERT(shown != nullptr);
      RC_ASSERT(shown->status() == (node.silent ? "stale" : node.heard ? "healthy" : "registered"));
      RC_ASSERT(*shown->record == *node.record);
      RC_ASSERT(*shown->report == *node.report);
      stale += node.silent;
    });
    RC_ASSERT(view.counts.stale == stale);
    RC_ASSERT(view.counts.stale + view.counts.healthy + view.counts.registered == view.nodes.size());
  }));
}
