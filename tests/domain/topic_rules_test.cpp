// Shows which topics there can be, and what is said of one that is not as it should be.
#include "domain/topic_rules.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using environment::Outcome;

namespace {

const profile::Topic kOrders{"orders", 2, 3, {{"retention.ms", "1000"}, {"cleanup.policy", "delete"}}};
const std::map<std::string, std::optional<std::string>> kAsDesired{{"retention.ms", "1000"},
                                                                   {"cleanup.policy", "delete"}};

}  // namespace

TEST_CASE("a topic's name is of few characters and no folder") {
  for (const auto& name :
       {std::string("a"), std::string("A.b_c-9"), std::string("..."), std::string(249, 'x')})
    CHECK(topics::name_fault(name).empty());
  for (const auto& name :
       {std::string(), std::string("."), std::string(".."), std::string(250, 'x'), std::string("a b"),
        std::string("a/b"), std::string("\xc3\xa4"), std::string("a\0b", 3)})
    CHECK_FALSE(topics::name_fault(name).empty());
  CHECK(topics::folded("a.b_c") == topics::folded("a_b.c"));
  CHECK(topics::folded("a-b") != topics::folded("a.b"));
}

TEST_CASE("a topic that none can be is refused") {
  CHECK(topics::check(kOrders));
  for (const auto& topic : {profile::Topic{"a b", 1, 1, {}},
                            {"t", 0, 1, {}},
                            {"t", topics::kMaxPartitions + 1, 1, {}},
                            {"t", 1, 0, {}},
                            {"t", 1, topics::kMaxReplication + 1, {}},
                            {"t", 1, 1, {{"", "x"}}},
                            {"t", 1, 1, {{"k", std::string("a\0b", 3)}}},
                            {"t", 1, 1, {{"k", std::string(topics::kMaxSetting + 1, 'x')}}}})
    CHECK(topics::check(topic).error().code == "field.invalid");
}

TEST_CASE("more partitions are in sync, and settings that nobody asked for are nobody's business") {
  CHECK(topics::compare(kOrders, {{3, 3}, kAsDesired}).outcome == Outcome::in_sync);
  auto config = kAsDesired;
  config["segment.bytes"] = "7";
  const auto more = topics::compare(kOrders, {{3, 3, 3}, config});
  CHECK(more.outcome == Outcome::in_sync);
  CHECK(more.actual.is_null());
}

TEST_CASE(
  "fewer partitions and other values have drifted, other replicas are incompatible; both sides are shown") {
  const auto fewer = topics::compare(kOrders, {{3}, kAsDesired});
  CHECK(fewer.outcome == Outcome::drifted);
  CHECK(fewer.desired == to_json(kOrders));
  CHECK(fewer.actual["partitions"] == 1);
  CHECK(fewer.actual["config"] == to_json(kOrders)["config"]);
  const auto other = topics::compare(kOrders, {{3, 3}, {{"retention.ms", "5"}, {"cleanup.policy", {}}}});
  CHECK(other.outcome == Outcome::drifted);
  CHECK(other.actual["config"] == Json{{"cleanup.policy", nullptr}, {"retention.ms", "5"}});
  CHECK_THAT(other.detail, Catch::Contains("retention.ms is 5, and is left so") &&
                             Catch::Contains("cleanup.policy is not told"));
  const auto unknown = topics::compare(kOrders, {{3, 3}, {{"retention.ms", "1000"}}});
  CHECK(unknown.outcome == Outcome::drifted);
  CHECK_THAT(unknown.detail, Catch::Contains("cleanup.policy is no setting of it"));
  const auto all = topics::compare(kOrders, {{1}, {}});
  CHECK(all.outcome == Outcome::incompatible);
  CHECK(all.actual["replication"] == 1);
  CHECK(all.actual["partitions"] == 1);
  const auto mixed = topics::compare(kOrders, {{3, 2}, kAsDesired});
  CHECK(mixed.outcome == Outcome::incompatible);
  CHECK_THAT(mixed.detail, Catch::Contains("partition 1 has 2 replicas"));
}
