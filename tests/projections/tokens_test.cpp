// Shows which tokens open the door.
#include "projections/tokens.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::tokens;
using namespace std::chrono_literals;

namespace {
Created created(std::string id, Time expires = {}) {
  return {id, "name-" + id, "hash-" + id, {"read"}, expires};
}
}  // namespace

TEST_CASE("a token is found by its hash, with who made it", "[S2-54]") {
  const auto view = given::folded<View>({created("t1")});
  const auto* row = view.usable("hash-t1", given::after(1h));
  REQUIRE(row);
  CHECK(row->name == "name-t1");
  CHECK(row->scopes == std::vector<std::string>{"read"});
  CHECK(row->created_by == "alice");
  CHECK(row->created_at == given::kStart);
  CHECK_FALSE(view.usable("hash-t2", given::kStart));
}

TEST_CASE("an expired token is not usable, a revoked one neither but still listed", "[S2-54]") {
  const auto view = given::folded<View>({created("t1", given::after(1h)), created("t2"), Revoked{"t2"}});
  CHECK(view.usable("hash-t1", given::after(1h - 1ms)));
  CHECK_FALSE(view.usable("hash-t1", given::after(1h)));
  CHECK_FALSE(view.usable("hash-t2", given::kStart));
  CHECK(view.tokens.find(std::string("t2"))->revoked);
  CHECK(view.tokens.find(std::string("t2"))->revoked_at == given::after(2s));
  CHECK(view.about.changed == 3);
}

TEST_CASE("revoked tokens are listed up to a limit, live ones always", "[S2-54]") {
  std::vector<AnyEvent> events = {created("live")};
  for (size_t i = 0; i < View::kMaxRevoked + 5; i++) {
    events.push_back(created(std::to_string(i)));
    events.push_back(Revoked{std::to_string(i)});
  }
  const auto view = given::folded<View>(events);
  CHECK(view.tokens.size() == View::kMaxRevoked + 1);
  CHECK(view.revoked.size() == View::kMaxRevoked);
  CHECK(view.by_hash.size() == 1);
  CHECK_FALSE(view.tokens.contains(std::string("4")));
  CHECK(view.tokens.contains(std::string("5")));
}
