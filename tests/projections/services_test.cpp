// Shows what the log says of services: which run, and where that is not what was planned.
#include "projections/services.hpp"

#include <catch2/catch.hpp>

#include "tests/support/given.hpp"

using namespace muster;
using services::View;

namespace {

template <class Made>
Made fact(const std::string& name) {
  Made made;
  made.node = "n1";
  made.name = name;
  made.at = given::kStart;
  return made;
}

services::Stopped stopped(const std::string& name, const std::string& reason) {
  auto made = fact<services::Stopped>(name);
  made.reason = reason;
  return made;
}

services::Failed crash_loop(const std::string& name) {
  auto made = fact<services::Failed>(name);
  made.reason = "crash_loop";
  return made;
}

services::Applied applied(const std::string& generation) {
  services::Applied made;
  made.node = "n1";
  made.generation = generation;
  return made;
}

std::vector<std::string> problems(const plans::View& plans, const View& observed) {
  std::vector<std::string> all;
  for (const auto& one : services::drift(plans, observed, 100))
    all.push_back(one.service + ": " + one.problem);
  return all;
}

}  // namespace

TEST_CASE("a service's row follows what its node reports", "[S0-06]") {
  auto view = given::folded<View>({fact<services::Started>("a"), fact<services::Healthy>("a"),
                                   fact<services::Started>("b"), fact<services::Exited>("b")});
  const auto* a = view.services.find(View::key("n1", "a"));
  const auto* b = view.services.find(View::key("n1", "b"));
  REQUIRE(a);
  REQUIRE(b);
  CHECK((*a)->state == "running");
  CHECK((*b)->state == "exited");
  CHECK((*b)->reason == "unknown");
  CHECK((*b)->starts == 1);
}

TEST_CASE("a removed service and a forgotten node leave the list", "[S0-06]") {
  auto view = given::folded<View>({fact<services::Started>("a"), fact<services::Started>("b"),
                                   stopped("a", "removed"), stopped("b", "changed")});
  CHECK(view.services.size() == 1);
  CHECK(view.nodes.find("n1")->services == 1);
  view.fold(given::record(9, given::kStart, nodes::Forgotten{"n1"}));
  CHECK(view.services.empty());
  CHECK(view.nodes.empty());
}

TEST_CASE("drift names what is missing, what fails, what is too much, and a plan that waits", "[S2-43]") {
  plans::View plans;
  plans.fold(
    given::record(1, given::kStart, plans::Issued{"n1", "server.yaml", "g2", "worker", {"a", "b"}, 0}));
  const auto none = given::folded<View>({});
  CHECK(problems(plans, none).empty());  // It reports nothing: nothing is known.
  const auto view = given::folded<View>({fact<services::Started>("b"), crash_loop("b"),
                                         fact<services::Started>("c"), fact<services::Healthy>("c")});
  CHECK(problems(plans, view) ==
        std::vector<std::string>{"a: not started", "b: failed: crash_loop", "c: runs and is not planned"});
  auto well =
    given::folded<View>({fact<services::Started>("a"), fact<services::Healthy>("a"),
                         fact<services::Started>("b"), fact<services::Healthy>("b"), applied("g1")});
  CHECK(problems(plans, well) == std::vector<std::string>{": the newest plan is not applied yet"});
  well.fold(given::record(9, given::kStart, applied("g2")));
  CHECK(problems(plans, well).empty());
}
