// Shows which facts of services are recorded, and that none is recorded twice.
#include "domain/services.hpp"

#include <catch2/catch.hpp>

#include "domain/service_facts.hpp"
#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::services;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;

template <class Made>
Made fact(uint64_t number, const std::string& source = "s") {
  Made made;
  made.node = "n1";
  made.name = "api";
  made.source = source;
  made.local_seq = number;
  made.at = given::kStart;
  return made;
}

Started started(uint64_t number, const std::string& source = "s") {
  auto made = fact<Started>(number, source);
  made.run = "r1";
  return made;
}

Applied applied(uint64_t number, const std::string& generation) {
  auto made = fact<Applied>(number);
  made.name = "";
  made.generation = generation;
  return made;
}

}  // namespace

TEST_CASE("a fact that comes again is taken and not recorded again", "[S2-42]") {
  Domain decide{services::decide};
  CHECK(decide(Report{"n1", "s", {started(1), started(2)}}).size() == 2);
  CHECK(decide.result == R"({"taken_to":2})");
  CHECK(decide(Report{"n1", "s", {started(1), started(2)}}).empty());
  CHECK(decide.result == R"({"taken_to":2})");
  CHECK(decide(Report{"n1", "s", {started(2), started(5)}}) == Events{started(5)});
  CHECK(decide(Report{"n1", "new", {started(1)}}) == Events{started(1, "new")});
}

TEST_CASE("facts are of the node that reports them, whatever they say") {
  Domain decide{services::decide};
  auto other = started(1, "forged");
  other.node = "n2";
  CHECK(decide(Report{"n1", "s", {other}}) == Events{started(1)});
}

TEST_CASE("the same plan applied again is no event, and counts as told") {
  Domain decide{services::decide};
  CHECK(decide(Report{"n1", "s", {applied(1, "g")}}).size() == 1);
  CHECK(decide(Report{"n1", "s", {applied(2, "g")}}).empty());
  CHECK(decide.result == R"({"taken_to":2})");
  CHECK(decide(Report{"n1", "s", {applied(3, "h")}}).size() == 1);
}

TEST_CASE("what does not fit is refused with its place") {
  Domain decide{services::decide};
  decide(Report{"n1", "s", {started(2), started(2)}});
  CHECK(decide.pointers() == std::vector<std::string>{"/facts/1/local_seq"});
  auto nameless = started(1);
  nameless.name = "a/b";
  decide(Report{"n1", "", {}});
  CHECK(decide.pointers() == std::vector<std::string>{"/source"});
  decide(Report{"n1", "s", {nameless}});
  CHECK(decide.pointers() == std::vector<std::string>{"/facts/0/name"});
  decide(Report{"n1", "s", std::vector<Event>(kMaxFacts + 1, started(1))});
  CHECK(decide.pointers() == std::vector<std::string>{"/facts"});
}

TEST_CASE("a fact as JSON is the same fact again") {
  auto exited = fact<Exited>(7);
  exited.node = exited.source = "";  // Said by the report, once for all.
  exited.run = "r";
  exited.known = true;
  exited.code = 3;
  const auto read = from_json_text<FactBody>(to_json_text(body_of(exited)));
  REQUIRE(read);
  const auto again = event_of(*read);
  REQUIRE(again);
  CHECK(*again == Event{exited});
  FactBody unknown;
  unknown.type = "service.lost";
  CHECK_FALSE(event_of(unknown));
}
