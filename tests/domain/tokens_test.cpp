// Shows how API tokens are made and revoked.
#include "domain/tokens.hpp"

#include <catch2/catch.hpp>

#include "tests/support/decided.hpp"

using namespace muster;
using namespace muster::tokens;
using namespace std::chrono_literals;
using Events = std::vector<Event>;

namespace {

using Domain = given::Domain<State, Command, Event>;
const std::string kHash(64, 'a');

Create create(std::string id, std::string name, std::vector<std::string> scopes = {"read"},
              Time expires = {}) {
  return {std::move(id), std::move(name), kHash, std::move(scopes), expires};
}

}  // namespace

TEST_CASE("a token is made with its scopes, without prefixes, each once", "[S2-54]") {
  Domain decide{tokens::decide};
  const auto events = decide(create("t1", "ci", {"thatdam:read", "admin", "read"}, given::after(1h)));
  CHECK(events == Events{Created{"t1", "ci", kHash, {"read", "admin"}, given::after(1h)}});
  CHECK(decide.result ==
        R"({"id":"t1","name":"ci","scopes":["read","admin"],"expires_at":"2026-01-02T04:04:05.000Z"})");
}

TEST_CASE("the scopes of jobs have two words, with a prefix or without it", "[S3-46]") {
  Domain decide{tokens::decide};
  decide(create("t1", "ci", {"runs:write", "thatdam:sources:read", "runs:write", "thatdam:admin"}));
  CHECK(decide.result == R"({"id":"t1","name":"ci","scopes":["admin","runs:write","sources:read"]})");
  decide(create("t2", "other", {"jobs:write", "write", ":runs:read", "runs:"}));
  CHECK(decide.pointers() == std::vector<std::string>{"/scopes/0", "/scopes/1", "/scopes/3"});
}

TEST_CASE("every bad field of a token is named at once", "[S2-54]") {
  Domain decide{tokens::decide};
  decide(create("t1", "", {"read", "root", "x:"}, given::kStart));
  CHECK(decide.refused() == "field.invalid");
  CHECK(decide.pointers() == std::vector<std::string>{"/name", "/scopes/1", "/scopes/2", "/expires_at"});
  decide(create("t1", "ci", {}));
  CHECK(decide.pointers() == std::vector<std::string>{"/scopes"});
}

TEST_CASE("a name belongs to one live token", "[S2-54]") {
  Domain decide{tokens::decide};
  decide(create("t1", "ci", {"read"}, given::after(1h)));
  decide(create("t2", "ci"));
  CHECK(decide.refused() == "name.taken");
  decide.now = given::after(1h);
  CHECK(decide(create("t2", "ci")) == Events{Revoked{"t1"}, Created{"t2", "ci", kHash, {"read"}, {}}});
}

TEST_CASE("a token is revoked once, by its id or its name", "[S2-54]") {
  Domain decide{tokens::decide};
  decide(create("t1", "one"));
  decide(create("t2", "two"));
  CHECK(decide(Revoke{"t1"}) == Events{Revoked{"t1"}});
  CHECK(decide(Revoke{"two"}) == Events{Revoked{"t2"}});
  CHECK(decide(Revoke{"t1"}).empty());
  CHECK(decide.refused() == "not.found");
  CHECK(decide(create("t3", "one")).size() == 1);
}

TEST_CASE("tokens are bounded; an expired one makes room", "[S2-54]") {
  Domain decide{tokens::decide};
  for (size_t i = 0; i < kMaxTokens; i++) {
    const auto n = std::to_string(i);
    const auto expires = i == 77 ? given::after(1h) : Time{};
    decide.state = evolve(std::move(decide.state), Created{n, "name-" + n, kHash, {"read"}, expires});
  }
  decide(create("t", "more"));
  CHECK(decide.refused() == "rate.limited");
  decide.now = given::after(1h);
  CHECK(decide(create("t", "more")) == Events{Revoked{"77"}, Created{"t", "more", kHash, {"read"}, {}}});
}
