// Shows how secrets are sealed, replaced, removed and swept.
#include "domain/secrets.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::secrets;
using namespace std::chrono_literals;
using Events = std::vector<Event>;

namespace {
using Domain = given::Domain<State, Command, Event>;
}

TEST_CASE("a secret that is sealed again replaces the one before", "[S0-05]") {
  Domain decide{secrets::decide};
  CHECK(decide(Seal{"db", "s1", "n1", {}}) == Events{Sealed{"db", "s1", "n1", given::after(24h)}});
  CHECK(decide.result == R"({"name":"db","expires_at":"2026-01-03T03:04:05.000Z"})");
  CHECK(decide(Seal{"db", "s2", "n1", given::after(1h)}) ==
        Events{Removed{"db", "s1", "replaced"}, Sealed{"db", "s2", "n1", given::after(1h)}});
}

TEST_CASE("a secret is removed once", "[S0-05]") {
  Domain decide{secrets::decide};
  decide(Seal{"db", "s1", "n1", {}});
  CHECK(decide(Remove{"db"}) == Events{Removed{"db", "s1", "deleted"}});
  CHECK(decide(Remove{"db"}).empty());
  CHECK(decide.refused() == "not.found");
}

TEST_CASE("a sweep removes what has expired", "[S0-05]") {
  Domain decide{secrets::decide};
  decide(Seal{"a", "s1", "n1", given::after(1h)});
  decide(Seal{"b", "s2", "n1", given::after(2h)});
  decide.now = given::after(1h);
  CHECK(decide(Sweep{}) == Events{Removed{"a", "s1", "expired"}});
  CHECK(decide(Sweep{}).empty());
}

TEST_CASE("a secret's name fits a template, and it lives a day at most", "[S0-05]") {
  Domain decide{secrets::decide};
  decide(Seal{"a}b", "", "n1", given::after(25h)});
  CHECK(decide.refused() == "field.invalid");
  CHECK(decide.pointers() == std::vector<std::string>{"/name", "/secret", "/expires_at"});
  decide(Seal{"a", "s", "n1", given::kStart});
  CHECK(decide.pointers() == std::vector<std::string>{"/expires_at"});
}

TEST_CASE("secrets are bounded; replacing one needs no room", "[S0-05]") {
  Domain decide{secrets::decide};
  for (size_t i = 0; i < kMaxSecrets; i++) {
    const auto n = std::to_string(i);
    decide.state = evolve(std::move(decide.state), Sealed{n, "s" + n, "n1", given::after(1h)});
  }
  decide(Seal{"more", "s", "n1", {}});
  CHECK(decide.refused() == "rate.limited");
  CHECK(decide(Seal{"7", "s", "n1", {}}).size() == 2);
}
