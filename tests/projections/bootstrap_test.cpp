// Shows what GET /v1/bootstrap/status is answered from.
#include "projections/bootstrap.hpp"

#include <catch2/catch.hpp>

#include "tests/support/arbitrary.hpp"
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

TEST_CASE("an intent stands until it is told what came of it") {
  const Intended intended{"n1", "storage", "apply", "folder", "g1", "k1", {"bucket media"}, 1};
  CHECK(given::folded<View>({intended}).intents.find(View::key("n1", "storage"))->intended->total == 1);
  CHECK(given::folded<View>({intended, report("n1", "storage", "ok")}).intents.empty());
  CHECK(!given::folded<View>({intended, report("n1", "broker", "ok")}).intents.empty());
  CHECK(given::folded<View>({intended, Removed{"n1", "storage", "folder", false, "d", {}}}).intents.empty());
}

TEST_CASE("what was added belongs to its node, or to all that use the server, until it is removed") {
  const Thing tag{"tag", "media", "owner", {}}, rule{"rule", "media", "tmp", {}};
  const Added own{"n1", "storage", "folder", false, {tag, rule}},
    shared{"n1", "storage", "s3", true, {rule}, "e1"};
  const auto view = given::folded<View>({own, shared, own});
  CHECK(view.added_by("n1", "storage", "") == std::vector<Thing>{rule, tag});
  CHECK(view.added_by("n2", "storage", "").empty());
  CHECK(view.added_by("n2", "storage", "e1") == std::vector<Thing>{rule});
  CHECK(view.added_by("n1", "broker", "").empty());
  const auto less =
    given::folded<View>({own, shared, Removed{"n2", "storage", "s3", true, "d", {rule}, "e1"}});
  CHECK(less.added_by("n2", "storage", "e1").empty());
  CHECK(less.added_by("n1", "storage", "").size() == 2);
}

TEST_CASE("what was added on one server is not taken away from another", "[S2-23]") {
  const Thing tag{"tag", "media", "owner", {}};
  const Added one{"n1", "storage", "s3", true, {tag}, "e1"}, two{"n2", "storage", "s3", true, {tag}, "e2"};
  CHECK(given::folded<View>({one}).added_by("n2", "storage", "e2").empty());
  const auto view = given::folded<View>({one, two, Removed{"n2", "storage", "s3", true, "d", {tag}, "e2"}});
  CHECK(view.added_by("n1", "storage", "e1") == std::vector<Thing>{tag});
  CHECK(view.added_by("n2", "storage", "e2").empty());
}

TEST_CASE("what a line does not say on which server it was added is taken away from none") {
  const auto folded = [](const Added& event) {
    const auto line = arbitrary::line_of(given::record(1, given::kStart, event));
    CHECK(line.find("endpoint") == std::string::npos);
    const auto read = read_line(line);
    REQUIRE(read);
    View view;
    view.fold(*read);
    return view;
  };
  const std::vector<Thing> tag{{"tag", "media", "owner", {}}};
  const auto server = folded({"n1", "storage", "s3", true, tag});
  CHECK(server.added.empty());
  for (const auto* endpoint : {"", "e1"}) CHECK(server.added_by("n1", "storage", endpoint).empty());
  CHECK(folded({"n1", "storage", "folder", false, tag}).added_by("n1", "storage", "").size() == 1);
}

TEST_CASE("a pause says who wanted it, and ends") {
  const auto view =
    given::folded<View>({Paused{"broker", "moving it"}, Paused{"index", ""}, Resumed{"index"}});
  REQUIRE(view.paused.size() == 1);
  CHECK(view.paused.find("broker")->reason == "moving it");
  CHECK(view.paused.find("broker")->at == given::after(Millis{0}));
}
