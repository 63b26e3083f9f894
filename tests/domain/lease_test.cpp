// Shows who gets the leader lease.
#include "domain/lease.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::lease;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;
const std::string kUrl = "http://10.0.0.7:8070";
const std::string kOther = "http://10.0.0.8:8070";

}  // namespace

TEST_CASE("the first claimant gets the lease, the second is told who leads", "[S2-60]") {
  Domain decide{lease::decide};
  CHECK(decide(Claim{"n1", kUrl}) == Events{Granted{"n1", kUrl, 1}});
  CHECK(decide.result == R"({"granted":true,"leader_url":"http://10.0.0.7:8070","epoch":1})");
  CHECK(decide(Claim{"n2", kOther}).empty());
  CHECK(decide.result == R"({"granted":false,"leader_url":"http://10.0.0.7:8070","epoch":1})");
}

TEST_CASE("the holder who claims again keeps its epoch, and may move", "[S2-60]") {
  Domain decide{lease::decide};
  decide(Claim{"n1", kUrl});
  CHECK(decide(Claim{"n1", kUrl}).empty());
  CHECK(decide(Claim{"n1", kOther}) == Events{Moved{"n1", kOther}});
  CHECK(decide.result == R"({"granted":true,"leader_url":"http://10.0.0.8:8070","epoch":1})");
}

TEST_CASE("when the lease has lapsed the next claimant wins, with the next epoch", "[S2-52][S2-60]") {
  Domain decide{lease::decide};
  decide(Claim{"n1", kUrl});
  CHECK(decide(Claim{"n2", kOther, true}) == Events{Lapsed{"n1", 1}, Granted{"n2", kOther, 2}});
  CHECK(decide(Lapse{1}).empty());
  CHECK(decide(Lapse{2}) == Events{Lapsed{"n2", 2}});
  CHECK(decide(Lapse{2}).empty());
  CHECK(decide(Claim{"n1", kUrl}) == Events{Granted{"n1", kUrl, 3}});
}

TEST_CASE("a restore clears the holder and the epoch never falls", "[S2-52]") {
  Domain decide{lease::decide};
  decide(Claim{"n1", kUrl});
  decide.state = evolve(decide.state, cluster::Restored{"abc", 9, 1001});
  CHECK(decide(Claim{"n2", kOther}) == Events{Granted{"n2", kOther, 1002}});
}

TEST_CASE("a claim without a node or a proper url is refused with both", "[S2-60]") {
  Domain decide{lease::decide};
  CHECK(decide(Claim{"", "ftp://x"}).empty());
  CHECK(decide.refused() == "field.invalid");
  CHECK(decide.pointers() == std::vector<std::string>{"/node_id", "/url"});
}
