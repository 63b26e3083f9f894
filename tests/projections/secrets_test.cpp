// Shows what is told of secrets: never their values.
#include "projections/secrets.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::secrets;

TEST_CASE("a secret shows its holder and its end", "[S0-06]") {
  const auto view = given::folded<View>({Sealed{"db", "s1", "n1", given::after(Millis{5})}});
  const auto* row = view.secrets.find(std::string("db"));
  REQUIRE(row);
  CHECK(row->secret == "s1");
  CHECK(row->holder == "n1");
  CHECK(row->created_at == given::kStart);
  CHECK(row->expires_at == given::after(Millis{5}));
}

TEST_CASE("removing the replaced secret leaves the one that has its name now", "[S0-06]") {
  const auto view = given::folded<View>(
    {Sealed{"db", "s1", "n1", {}}, Sealed{"db", "s2", "n1", {}}, Removed{"db", "s1", "replaced"}});
  CHECK(view.secrets.find(std::string("db"))->secret == "s2");
  const auto gone = given::folded<View>({Sealed{"db", "s1", "n1", {}}, Removed{"db", "s1", "expired"}});
  CHECK(gone.secrets.empty());
}
