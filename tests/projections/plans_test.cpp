// Shows which templates and profile are in use, and what each node was given.
#include "projections/plans.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using namespace muster::plans;

TEST_CASE("a broken template keeps the last good one and says what is wrong", "[S1-26][S0-06]") {
  const auto view = given::folded<View>(
    {TemplateLoaded{"server.yaml", "g1", {"[1]"}}, TemplateRejected{"server.yaml", "line 3"}});
  const auto* found = view.templates.find(std::string("server.yaml"));
  REQUIRE(found);
  const auto& source = **found;
  CHECK_FALSE(source.ok);
  CHECK(source.generation == "g1");
  CHECK(source.content.text == "[1]");
  CHECK(source.loaded_at == given::kStart);
  CHECK(source.error == "line 3");
  CHECK(source.error_at == given::after(Millis{1000}));
}

TEST_CASE("a template that was mended has no error any more", "[S1-26]") {
  const auto view = given::folded<View>(
    {TemplateRejected{"server.yaml", "is missing"}, TemplateLoaded{"server.yaml", "g1", {"[]"}}});
  const auto& source = **view.templates.find(std::string("server.yaml"));
  CHECK(source.ok);
  CHECK(source.error.empty());
}

TEST_CASE("the profile is kept like a template", "[S1-19][S2-62]") {
  const auto view = given::folded<View>({ProfileLoaded{"g1", {"{}"}}, ProfileRejected{"bad"}});
  CHECK(view.profile->generation == "g1");
  CHECK(view.profile->content.text == "{}");
  CHECK(view.profile->error == "bad");
  CHECK_FALSE(view.profile->ok);
}

TEST_CASE("a node's plan is the last one it was given", "[S1-15][S0-06]") {
  const Issued first{"n1", "", "g1", "worker", {}, 1};
  const Issued second{"n1", "server.yaml", "g2", "leader", {"api"}, 2};
  const auto view = given::folded<View>({first, second});
  const auto* row = view.issued.find(std::string("n1"));
  REQUIRE(row);
  CHECK(*row->plan == second);
  CHECK(row->seq == 2);
  CHECK(row->at == given::after(Millis{1000}));
}
