// Shows what buckets may be called and hold, and how what is desired is merged with what is there.
#include "domain/bucket_rules.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using buckets::SeenRule;
using buckets::Versioning;
using environment::Outcome;

TEST_CASE("a bucket's name is one that every server takes and no path", "[S2-19]") {
  for (const auto* name : {"abc", "media", "a.b-c", "1.2.3", "10.0.0.1.x", "0aa"}) {
    CAPTURE(name);
    CHECK(buckets::name_fault(name).empty());
  }
  CHECK(buckets::name_fault(std::string(63, 'a')).empty());
  for (const auto* name : {"", "ab", "Media", "a b", "a/b", "..", "../..", ".ab", "ab.", "-ab", "ab-", "a..b",
                           "a_b", "192.168.0.1", "caf\xc3\xa9", "a\nb"}) {
    CAPTURE(name);
    CHECK_FALSE(buckets::name_fault(name).empty());
    CHECK(buckets::check(name).error().code == "field.invalid");
  }
  CHECK_FALSE(buckets::name_fault(std::string(64, 'a')).empty());
  CHECK_FALSE(buckets::name_fault(std::string_view("ab\0c", 4)).empty());
}

TEST_CASE("an object's key leads to a file inside its bucket's folder") {
  for (const auto* key : {"a", "a/b/c.txt", "...", ".hidden", "x y", "caf\xc3\xa9"}) {
    CAPTURE(key);
    CHECK(buckets::key_fault(key).empty());
  }
  for (const auto* key : {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a\nb", "\xff"}) {
    CAPTURE(key);
    CHECK_FALSE(buckets::key_fault(key).empty());
  }
  CHECK_FALSE(buckets::key_fault(std::string(256, 'a')).empty());
  std::string deep = "a";
  while (deep.size() <= buckets::kMaxObjectKey) deep += "/a";
  CHECK_FALSE(buckets::key_fault(deep).empty());
}

TEST_CASE("rules whose id is missing are added, others of the same id are told", "[S2-68]") {
  const std::vector<SeenRule> actual{
    {"a", "a/", 1}, {"b", "b/", 2}, {"c", "c/", 3, false}, {"", "x/", 4}, {"d", "d/", std::nullopt}};
  const auto merged =
    buckets::merge(actual, {{"a", "a/", 1}, {"b", "b/", 9}, {"c", "c/", 3}, {"d", "d/", 1}, {"e", "e/", 5}});
  REQUIRE(merged);
  CHECK(merged->missing == std::vector<profile::LifecycleRule>{{"e", "e/", 5}});
  CHECK(merged->told.outcome == Outcome::drifted);
  CHECK(merged->told.detail == "rules are missing: e; rules differ and are left alone: b, c, d");
  CHECK(merged->told.desired.dump() == R"([{"id":"b","prefix":"b/","expire_days":9},)"
                                       R"({"id":"c","prefix":"c/","expire_days":3},)"
                                       R"({"id":"d","prefix":"d/","expire_days":1},)"
                                       R"({"id":"e","prefix":"e/","expire_days":5}])");
  CHECK(merged->told.actual.dump() == R"([{"id":"b","prefix":"b/","expire_days":2},)"
                                      R"({"id":"c","prefix":"c/","expire_days":3,"status":"Disabled"},)"
                                      R"({"id":"d","prefix":"d/","expire_days":null}])");
  const auto same = buckets::merge(actual, {{"a", "a/", 1}});
  CHECK(same->missing.empty());
  CHECK(same->told.outcome == Outcome::in_sync);
  CHECK(same->told.desired.is_null());
}

TEST_CASE("tags are added or overwritten, and those of others count for the limit alone") {
  buckets::Tags actual{{"owner", "x"}, {"aws:stack", "s"}, {"same", "1"}};
  const auto merged = buckets::merge(actual, buckets::Tags{{"owner", "y"}, {"new", ""}, {"same", "1"}});
  REQUIRE(merged);
  CHECK(merged->additions == buckets::Tags{{"owner", "y"}, {"new", ""}});
  CHECK(merged->told.outcome == Outcome::changed);
  for (int i = 0; i < 47; i++) actual["t" + std::to_string(i)] = "";
  CHECK(buckets::merge(actual, buckets::Tags{{"one-more", ""}}).error().code == "field.invalid");
  CHECK(buckets::merge(actual, buckets::Tags{{"owner", "y"}}));
}

TEST_CASE("a bucket has at most so many rules, those of others included") {
  std::vector<SeenRule> actual(buckets::kMaxRules - 1);
  CHECK(buckets::merge(actual, {{"a", "", 1}})->missing.size() == 1);
  CHECK(buckets::merge(actual, {{"a", "", 1}, {"b", "", 1}}).error().code == "field.invalid");
}

TEST_CASE("rules and tags that no server takes are refused by name") {
  using Rules = std::vector<profile::LifecycleRule>;
  for (const auto& rules :
       {Rules{{"", "", 1}}, Rules{{std::string(256, 'a'), "", 1}}, Rules{{"a", "", 0}}, Rules{{"a\n", "", 1}},
        Rules{{"a", std::string(1025, 'p'), 1}}, Rules{{"\xff", "", 1}}, Rules{{"a", "x", 1}, {"a", "y", 1}}})
    CHECK(buckets::check("media", rules).error().code == "field.invalid");
  CHECK(buckets::check("media", Rules{{std::string(255, 'a'), "", 1}}));
  std::string wide;
  for (int i = 0; i < 128; i++) wide += "\xc3\xa9";
  CHECK(buckets::check("media", buckets::Tags{{wide, wide + wide}}));
  for (const auto& tags : {buckets::Tags{{"", "x"}}, buckets::Tags{{wide + "a", ""}},
                           buckets::Tags{{"a", std::string(257, 'v')}}, buckets::Tags{{"aws:a", ""}},
                           buckets::Tags{{"a", "\x01"}}})
    CHECK(buckets::check("media", tags).error().code == "field.invalid");
}

TEST_CASE("versions are turned on and never off") {
  CHECK(buckets::compare_versioning(true, Versioning::never).outcome == Outcome::changed);
  CHECK(buckets::compare_versioning(true, Versioning::suspended).outcome == Outcome::changed);
  CHECK(buckets::compare_versioning(true, Versioning::enabled).outcome == Outcome::in_sync);
  CHECK(buckets::compare_versioning(false, Versioning::never).outcome == Outcome::in_sync);
  CHECK(buckets::compare_versioning(false, Versioning::suspended).outcome == Outcome::in_sync);
  CHECK(buckets::compare_versioning(false, Versioning::enabled).outcome == Outcome::drifted);
}

TEST_CASE("only what is as it was added may be removed") {
  const profile::LifecycleRule rule{"a", "a/", 1};
  const auto of = [&](const std::vector<SeenRule>& actual) {
    return buckets::compare_removal(actual, rule).outcome;
  };
  CHECK(of({}) == Outcome::in_sync);
  CHECK(of({{"", "a/", 1}, {"b", "a/", 1}}) == Outcome::in_sync);
  CHECK(of({{"b", "a/", 1}, {"a", "a/", 1}}) == Outcome::changed);
  for (const auto& other : {SeenRule{"a", "b/", 1},
                            {"a", "a/", 2},
                            {"a", "a/", std::nullopt},
                            {"a", "a/", 1, false},
                            {"a", "a/", 1, true, true}})
    CHECK(of({other}) == Outcome::drifted);
  CHECK(of({{"a", "a/", 1}, {"a", "a/", 1}}) == Outcome::drifted);  // Which of them was ours?
  const buckets::Tags tags{{"a", "1"}};
  CHECK(buckets::compare_removal(tags, "b", "1").outcome == Outcome::in_sync);
  CHECK(buckets::compare_removal(tags, "a", "1").outcome == Outcome::changed);
  CHECK(buckets::compare_removal(tags, "a", "2").outcome == Outcome::drifted);
}

TEST_CASE("a rule without an id that was given one by the server has not vanished") {
  const std::vector<SeenRule> before{{"a", "a/", 1}, {"", "x/", 4}, {"", "y/", 4}};
  CHECK(buckets::vanished(before, {{"a", "other/", 9}, {"given", "x/", 4}}) == std::vector<size_t>{2});
  CHECK(buckets::vanished(before, {}) == std::vector<size_t>{0, 1, 2});
}
