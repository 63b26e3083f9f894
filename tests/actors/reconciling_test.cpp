// What a look does with its steps: which it takes, and when it ends.
#include "actors/reconciling.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::actors;
using environment::Outcome;

namespace {
using Words = std::vector<std::string>;
}  // namespace

TEST_CASE(
  "of a server that is away no more is asked in a look, and one that answers between goes on being asked") {
  std::vector<Step> steps;
  int asked = 0;
  const auto add = [&](Result<environment::Ensured> outcome) {
    steps.push_back({"thing", "t", [&asked, outcome](const environment::Ask&) {
                       asked++;
                       return outcome;
                     }});
  };
  const Result<environment::Ensured> away = Error{"unreachable", "away"}, well = environment::Ensured{};
  for (const auto& outcome : {away, away, well, away, away, away, away, well}) add(outcome);
  const auto taken = take(steps, {});
  CHECK(asked == 6);
  CHECK(taken.rows.size() == 8);
  CHECK(taken.rows.back().status == "unreachable");
}

TEST_CASE("a call that hangs for each bucket is not made for all of them, and the others are", "[S2-30]") {
  std::map<std::string, int> asked;
  std::vector<Step> steps;
  const auto add = [&](const char* kind, const std::string& name, bool answers) {
    steps.push_back({kind, name,
                     [&asked, kind, answers](const environment::Ask&) {
                       asked[kind]++;
                       return answers ? Result<environment::Ensured>(environment::Ensured{})
                                      : Result<environment::Ensured>(Error{"unreachable", "away"});
                     },
                     kind != std::string("bucket")});
  };
  for (int i = 0; i < 1000; i++) {
    add("bucket", std::to_string(i), true);
    add("lifecycle", std::to_string(i), false);
    add("tags", std::to_string(i), true);
  }
  const auto taken = take(steps, {});
  CHECK(asked == std::map<std::string, int>{{"bucket", 1000}, {"lifecycle", 3}, {"tags", 1000}});
  CHECK(taken.rows.size() == 3000);
}

TEST_CASE("of what fails after a long time no more is asked in a look, also when it is well in between") {
  SteadyTime now{};
  int asked = 0;
  const std::vector<Step> steps(8, {"thing", "t", [&](const environment::Ask&) {
                                      now += std::chrono::seconds{9};
                                      if (asked++ % 2 == 0)
                                        return Result<environment::Ensured>(Error{"backend.failed", "504"});
                                      return Result<environment::Ensured>(environment::Ensured{});
                                    }});
  Manner manner;
  manner.clock = [&] { return now; };
  (void)take(steps, {}, manner);
  CHECK(asked == 5);
}

TEST_CASE("a look ends before the next step once it is to stop") {
  std::atomic<bool> stopping{false};
  std::vector<Step> steps(3, Step{"thing", "t", [&](const environment::Ask&) -> Result<environment::Ensured> {
                                    stopping = true;
                                    return environment::Ensured{};
                                  }});
  CHECK(take(steps, {}, {&stopping}).rows.size() == 1);
}

TEST_CASE("a step that fails takes those with it that follow it, and no others") {
  Words done;
  const auto step = [&](const std::string& name, bool follows, Result<environment::Ensured> outcome) {
    return Step{"thing", name.substr(0, 1),
                [&done, name, outcome](const environment::Ask&) {
                  done.push_back(name);
                  return outcome;
                },
                follows};
  };
  const auto taken =
    take({step("a", false, Error{"backend.refused", "no"}), step("a1", true, environment::Ensured{}),
          step("b", false, environment::Ensured{}), step("b1", true, Error{"backend.refused", "no"}),
          step("b2", true, environment::Ensured{})},
         {});
  CHECK(done == Words{"a", "b", "b1", "b2"});
  CHECK(taken.rows.size() == 4);
}

TEST_CASE("what was passed over because what it follows was refused does not count as written") {
  const auto would_add = [](const environment::Ask&) -> Result<environment::Ensured> {
    environment::Ensured told{Outcome::changed, "added"};
    told.added = {{"tag", "", "owner"}};
    return told;
  };
  const auto refused = [](const environment::Ask& ask) -> Result<environment::Ensured> {
    if (ask.dry_run) return environment::Ensured{Outcome::changed, "made"};
    return Error{"backend.refused", "no"};
  };
  const std::vector<Step> steps{
    {"bucket", "a", refused}, {"tags", "a", would_add, true}, {"bucket", "b", would_add}};
  auto dry = take(steps, {"k", true}).rows;
  auto made = take(writing(steps, dry), {"k", false}).rows;
  const auto rows = environment::merged(std::move(dry), std::move(made));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].status == "failed");
  CHECK(rows[1].name == "b");
}
