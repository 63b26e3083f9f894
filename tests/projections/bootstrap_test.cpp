// Shows what GET /v1/bootstrap/status is answered from.
#include "projections/bootstrap.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::bootstrap;

namespace {
Reported report(std::string node, std::string component, std::string status) {
  return {std::move(node), std::move(component), "ensure", std::move(status), "why", "g1", "", 1, 20};
}
}  // namespace

TEST_CASE("each component of a node shows its last report", "[S2-63][S2-47]") {
  const auto view = given::folded<View>({report("n1", "storage", "error"), report("n1", "storage", "ok"),
                                         report("n1", "broker", "error"), report("n10", "index", "ok")});
  std::vector<std::string> seen;
  view.each_of(
    "n1", [&](const View::Row& row) { seen.push_back(row.report->component + " " + row.report->status); });
  CHECK(seen == std::vector<std::string>{"broker error", "storage ok"});
  const auto* row = view.reports.find(View::key("n1", "storage"));
  REQUIRE(row);
  CHECK(row->seq == 2);
  CHECK(row->at == given::after(Millis{1000}));
  CHECK(row->report->generation == "g1");
}

TEST_CASE("a node that never reported has nothing to show", "[S2-63]") {
  const auto view = given::folded<View>({report("n1", "storage", "ok")});
  view.each_of("n", [&](const View::Row&) { FAIL("another node's report"); });
  CHECK(view.reports.size() == 1);
}
