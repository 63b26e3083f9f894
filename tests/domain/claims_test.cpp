// Shows that a claim's token is usable once.
#include "domain/claims.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::claims;
using namespace std::chrono_literals;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;

Domain with_claim() {
  Domain decide{claims::decide};
  decide(Open{"c1", "hash1", given::after(24h)});
  return decide;
}

}  // namespace

TEST_CASE("a claim is fulfilled once; a second time it is as unknown as any", "[S1-24][S1-25]") {
  auto decide = with_claim();
  const Fulfill fulfill{"c1", "hash1", "n1", {R"({"gpu":[]})"}};
  CHECK(decide(fulfill) == Events{Fulfilled{"c1", "n1", {R"({"gpu":[]})"}}});
  CHECK(decide(fulfill).empty());
  CHECK(decide.refused() == "claim.invalid");
}

TEST_CASE("a wrong token, an unknown id and an expired claim are refused alike", "[S1-24][S1-25]") {
  auto decide = with_claim();
  decide(Fulfill{"c1", "hash2", "", {}});
  CHECK(decide.refused() == "claim.invalid");
  decide(Fulfill{"c2", "hash1", "", {}});
  CHECK(decide.refused() == "claim.invalid");
  decide.now = given::after(24h);
  decide(Fulfill{"c1", "hash1", "", {}});
  CHECK(decide.refused() == "claim.invalid");
}

TEST_CASE("without an id the token finds its claim", "[S1-24]") {
  auto decide = with_claim();
  CHECK(decide(Fulfill{"", "hash2", "n1", {}}).empty());
  CHECK(decide(Fulfill{"", "hash1", "n1", {}}) == Events{Fulfilled{"c1", "n1", {}}});
  CHECK(decide(Fulfill{"", "hash1", "n1", {}}).empty());
}

TEST_CASE("a sweep expires what nobody fulfilled in time", "[S1-21]") {
  auto decide = with_claim();
  decide(Open{"c2", "hash2", given::after(48h)});
  CHECK(decide(Sweep{}).empty());
  decide.now = given::after(24h);
  CHECK(decide(Sweep{}) == Events{Expired{"c1"}});
  CHECK(decide(Sweep{}).empty());
}

TEST_CASE("open claims are bounded", "[S1-21]") {
  Domain decide{claims::decide};
  for (size_t i = 0; i < kMaxOpen; i++) {
    const auto n = std::to_string(i);
    decide.state = evolve(std::move(decide.state), Opened{n, "h" + n, given::after(24h)});
  }
  CHECK(decide(Open{"c", "h", given::after(24h)}).empty());
  CHECK(decide.refused() == "rate.limited");
}
