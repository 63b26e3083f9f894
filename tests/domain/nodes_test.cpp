// Shows how nodes register, beat, fall silent and return.
#include "domain/nodes.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::nodes;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;

Changed report(std::string node, std::string role = "worker") {
  return {std::move(node), std::move(role), {"capture"}, {{"agent", "0.4.1"}}};
}

}  // namespace

TEST_CASE("a node registers once; the same record again changes nothing", "[S1-14][S2-56]") {
  Domain decide{nodes::decide};
  auto record = given::registered("n1");
  record.caps.text = R"({"cpu":4})";
  CHECK(decide(Register{record}) == Events{record});
  CHECK(decide(Register{record}).empty());
  record.host = "edge-b";
  CHECK(decide(Register{record}) == Events{record});
}

TEST_CASE("every bad field of a registration is named at once", "[S1-14][S2-55]") {
  Domain decide{nodes::decide};
  auto record = given::registered("a/b");
  record.host = std::string(5000, 'x');
  record.caps.text = "[1]";
  record.features.assign(300, "f");
  CHECK(decide(Register{record}).empty());
  CHECK(decide.refused() == "field.invalid");
  CHECK(decide.pointers() == std::vector<std::string>{"/node_id", "/host", "/features", "/caps"});
}

TEST_CASE("a heartbeat is an event only when it tells something new", "[S1-16][S2-59]") {
  Domain decide{nodes::decide};
  decide(Register{given::registered("n1")});
  CHECK(decide(Heartbeat{report("n1")}) == Events{report("n1")});
  CHECK(decide(Heartbeat{report("n1")}).empty());
  CHECK(decide.refused().empty());
  CHECK(decide(Heartbeat{report("n1", "proxy")}) == Events{report("n1", "proxy")});
}

TEST_CASE("the heartbeat of an unknown node is refused, so that it registers", "[S1-16]") {
  Domain decide{nodes::decide};
  CHECK(decide(Heartbeat{report("n1")}).empty());
  CHECK(decide.refused() == "node.unknown");
}

TEST_CASE("a node falls silent once, and returns with its next heartbeat", "[S1-16][S2-59]") {
  Domain decide{nodes::decide};
  decide(Register{given::registered("n1")});
  decide(Heartbeat{report("n1")});
  const auto seen = given::after(Millis{500});
  CHECK(decide(MarkSilent{"n1", seen}) == Events{Silent{"n1", seen}});
  CHECK(decide(MarkSilent{"n1", seen}).empty());
  CHECK(decide(MarkSilent{"n2", seen}).empty());
  CHECK(decide(Heartbeat{report("n1")}) == Events{Returned{"n1"}});
  CHECK(decide(MarkSilent{"n1", seen}) == Events{Silent{"n1", seen}});
  CHECK(decide(Heartbeat{report("n1", "proxy")}) == Events{Returned{"n1"}, report("n1", "proxy")});
}

TEST_CASE("a silent node that registers as before has returned", "[S1-14]") {
  Domain decide{nodes::decide};
  decide(Register{given::registered("n1")});
  decide(MarkSilent{"n1", given::kStart});
  CHECK(decide(Register{given::registered("n1")}) == Events{Returned{"n1"}});
}

TEST_CASE("after a registration the first heartbeat is news, whatever it says", "[S1-16]") {
  Domain decide{nodes::decide};
  decide(Register{given::registered("n1")});
  decide(Heartbeat{report("n1")});
  auto record = given::registered("n1");
  record.ip = "10.0.0.8";
  decide(Register{record});
  CHECK(decide(Heartbeat{report("n1")}) == Events{report("n1")});
}

TEST_CASE("merging meta keeps what is there and registers an unknown node", "[S1-14]") {
  Domain decide{nodes::decide};
  CHECK(decide(MergeMeta{"n1", {R"({"a":1})"}}).size() == 1);
  CHECK(decide(MergeMeta{"n1", {R"({"b":2})"}}).size() == 1);
  CHECK(decide(MergeMeta{"n1", {R"({"b":2})"}}).empty());
  CHECK(decide.state.nodes.find(std::string("n1"))->record->meta.text == R"({"a":1,"b":2})");
  CHECK(decide(MergeMeta{"n1", {"[1]"}}).empty());
  CHECK(decide.refused() == "field.invalid");
}

TEST_CASE("a node is forgotten once, and registers anew", "[S1-14][S1-16]") {
  Domain decide{nodes::decide};
  decide(Forget{"n1"});
  CHECK(decide.refused() == "node.unknown");
  decide(Register{given::registered("n1")});
  CHECK(decide(Forget{"n1"}) == Events{Forgotten{"n1"}});
  CHECK(decide(Heartbeat{report("n1")}).empty());
  CHECK(decide.refused() == "node.unknown");
  CHECK(decide(Register{given::registered("n1")}).size() == 1);
}
