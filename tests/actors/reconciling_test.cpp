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

TEST_CASE("resources with which a server fails, and says so, do not end the look", "[S2-30]") {
  std::vector<std::string> made;
  std::vector<Step> steps;
  for (int i = 0; i < 8; i++)
    steps.push_back({"bucket", std::to_string(i), [&made, i](const environment::Ask&) {
                       if (i < 5) return Result<environment::Ensured>(Error{"backend.failed", "500"});
                       made.push_back(std::to_string(i));
                       return Result<environment::Ensured>(environment::Ensured{});
                     }});
  const auto taken = take(steps, {});
  CHECK(made == Words{"5", "6", "7"});
  CHECK(taken.rows.at(0).status == "unreachable");
  CHECK(taken.not_asked.empty());
}

TEST_CASE("what a look had no time for comes first in the next one, kind by kind", "[S2-30]") {
  Words asked;
  std::vector<Step> steps;
  const auto add = [&](const std::string& kind, const std::string& name, bool answers, bool follows = false) {
    steps.push_back({kind, name,
                     [&asked, kind, name, answers](const environment::Ask&) {
                       asked.push_back(kind + name);
                       return answers ? Result<environment::Ensured>(environment::Ensured{})
                                      : Result<environment::Ensured>(Error{"unreachable", "away"});
                     },
                     follows});
  };
  for (int i = 0; i < 6; i++) {
    add("bucket", std::to_string(i), i > 2);
    add("tags", std::to_string(i), true, true);
  }
  add("other", "a", true);
  const auto first = take(steps, {});
  CHECK(asked == Words{"bucket0", "bucket1", "bucket2", "othera"});
  CHECK(first.not_asked == Firsts{{"bucket", "3"}});
  Manner manner;
  manner.firsts = &first.not_asked;
  asked.clear();
  const auto second = take(steps, {}, manner);
  CHECK(asked == Words{"bucket3", "tags3", "bucket4", "tags4", "bucket5", "tags5", "bucket0", "bucket1",
                       "bucket2", "othera"});
  CHECK(second.not_asked.empty());
  Words rows;
  for (const auto& row : second.rows) rows.push_back(row.kind + row.name);
  CHECK(rows == Words{"bucket0", "bucket1", "bucket2", "bucket3", "tags3", "bucket4", "tags4", "bucket5",
                      "tags5", "othera"});
  CHECK(second.rows.at(3).status == "in_sync");
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
  CHECK(taken.not_asked == Firsts{{"bucket", "3"}});
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

TEST_CASE("a server that names how long it wants to be left alone is asked no more in that look", "[S2-76]") {
  Words asked;
  Millis named{0};
  const auto step = [&](const std::string& kind, const std::string& name, Millis patience) {
    return Step{
      kind, name,
      [&asked, &named, kind, name, patience](const environment::Ask&) -> Result<environment::Ensured> {
        asked.push_back(kind + name);
        named = patience;
        if (patience > Millis{0}) return Error{"backend.throttled", "429"};
        return environment::Ensured{};
      },
      kind == "tags", [&named] { return named; }};
  };
  const std::vector<Step> steps{step("bucket", "0", Millis{0}), step("tags", "0", Millis{60'000}),
                                step("tags", "0", Millis{0}), step("bucket", "1", Millis{0}),
                                step("tags", "1", Millis{0})};
  auto taken = take(steps, {});
  CHECK(asked == Words{"bucket0", "tags0"});
  CHECK(taken.retry_after == Millis{60'000});
  CHECK(taken.rows.at(3).status == "unreachable");
  CHECK(taken.rows.at(3).detail == "not asked: the server asked to be left alone");
  asked.clear();
  Manner manner;
  manner.firsts = &taken.not_asked;
  (void)take(steps, {}, manner);
  CHECK(asked == Words{"bucket1", "tags1", "bucket0", "tags0"});
}

TEST_CASE("what a step said of an earlier call is no wish to be left alone") {
  int asked = 0;
  const std::vector<Step> steps(2, {"thing", "t",
                                    [&](const environment::Ask&) -> Result<environment::Ensured> {
                                      asked++;
                                      return Error{"field.invalid", "no name of a bucket"};
                                    },
                                    false, [] { return Millis{60'000}; }});
  CHECK(take(steps, {}).retry_after == Millis{0});
  CHECK(asked == 2);
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

TEST_CASE(
  "what is not kept of a bucket has failed and was not added, and the bucket and others are as they are") {
  const std::vector<bootstrap::Thing> thing{{"tag", "a", "owner"}};
  const std::vector<environment::Row> rows{{"bucket", "a", "changed", "made"},
                                           {"versioning", "a", "in_sync", ""},
                                           {"lifecycle", "a", "drifted", "left", {}, {}, true},
                                           {"tags", "a", "changed", "added", {}, {}, false, thing},
                                           {"tags", "b", "changed", "added"}};
  const auto statuses = [](const std::vector<environment::Row>& of) {
    Words words;
    for (const auto& row : of) words.push_back(row.status);
    return words;
  };
  CHECK(settled(rows, {}) == rows);
  const auto missing = settled(rows, {{"a", {"no room"}}});
  CHECK(statuses(missing) == Words{"changed", "in_sync", "failed", "failed", "changed"});
  CHECK(missing[3].detail == "it is not kept: no room");
  CHECK(missing[3].added.empty());
  CHECK_FALSE(missing[2].writes());
  const auto unsure = settled(rows, {{"a", {"cannot sync it", true}}});
  CHECK(statuses(unsure) == Words{"failed", "failed", "failed", "failed", "changed"});
  CHECK(unsure[3].detail == "it may not outlive a loss of power: cannot sync it");
  CHECK(unsure[3].added == thing);
}
