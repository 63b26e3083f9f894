// What every object storage must do with buckets, whatever is behind it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "adapters/ports/object_storage.hpp"

namespace muster::test {

/// A storage, and what somebody else does to it.
struct StorageRoom {
  std::unique_ptr<ObjectStorage> storage;
  /// Gives a bucket two rules, "archive" that is disabled and one that does something the profile knows no
  /// word for, and the tags cost-center=42 and owner=nobody.
  std::function<void(const std::string& bucket)> by_hand;
  /// What by_hand() gave, as it is now, but for the tag owner.
  std::function<std::string(const std::string& bucket)> foreign;
  std::function<void(const std::string& bucket)> suspend;
  /// How often something was written so far.
  std::function<int()> writes;
};

inline environment::Outcome outcome_of(const Result<environment::Ensured>& told) {
  INFO((told ? told->detail : told.error().code + ": " + told.error().detail));
  REQUIRE(told);
  return told->outcome;
}

inline bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What muster added is taken back, and nothing else of two buckets: one that others use, one that they do
/// not.
inline void removal_contract(StorageRoom& room, const std::string& bucket) {
  using environment::Outcome;
  auto& storage = *room.storage;
  const environment::Ask ask{"657c8285d2544f64", false}, dry{"", true};
  const profile::LifecycleRule rule{"old <30> & d", "old/", 30}, kept{"kept", "kept/", 1};
  for (const bool shared : {true, false}) {
    const auto name = bucket + (shared ? "-shared" : "-own");
    CHECK(outcome_of(storage.remove_rule(name, rule, ask)) == Outcome::in_sync);  // No bucket, no rule.
    CHECK(outcome_of(storage.remove_tag(name, "stage", "a & b", ask)) == Outcome::in_sync);
    CHECK_FALSE(has(*storage.buckets(), name));
    REQUIRE(storage.ensure_bucket(name, ask));
    REQUIRE(storage.ensure_lifecycle(name, {rule, kept}, ask));
    REQUIRE(storage.ensure_tags(name, {{"stage", "a & b"}, {"kept", ""}}, ask));
    REQUIRE(storage.settle().empty());
    if (shared) room.by_hand(name);
    // Whose hand that was replaced the tags.
    if (shared) REQUIRE(storage.ensure_tags(name, {{"stage", "a & b"}, {"kept", ""}}, ask));
    REQUIRE(storage.settle().empty());
    const auto foreign = shared ? room.foreign(name) : "";

    // What differs from what was added is somebody else's by now.
    int writes = room.writes();
    for (const auto& other : {profile::LifecycleRule{rule.id, rule.prefix, 31}, {rule.id, "older/", 30}}) {
      const auto told = storage.remove_rule(name, other, ask);
      CHECK(outcome_of(told) == Outcome::drifted);
      CHECK(told->desired[0]["prefix"] == other.prefix);
      CHECK(told->actual == Json::array({{{"id", rule.id}, {"prefix", "old/"}, {"expire_days", 30}}}));
    }
    const auto tag = storage.remove_tag(name, "stage", "a", ask);
    CHECK(outcome_of(tag) == Outcome::drifted);
    CHECK(tag->desired == Json{{"stage", "a"}});
    CHECK(tag->actual == Json{{"stage", "a & b"}});
    CHECK(room.writes() == writes);

    for (const auto& how : {dry, ask}) {
      CHECK(room.writes() == writes);  // The dry run wrote nothing.
      const auto removed = storage.remove_rule(name, rule, how);
      CHECK(outcome_of(removed) == Outcome::changed);
      CHECK(removed->desired.is_null());
      CHECK(removed->actual[0]["id"] == rule.id);
      CHECK(outcome_of(storage.remove_tag(name, "stage", "a & b", how)) == Outcome::changed);
    }
    writes = room.writes();
    CHECK(outcome_of(storage.remove_rule(name, rule, ask)) == Outcome::in_sync);
    CHECK(outcome_of(storage.remove_tag(name, "stage", "a & b", ask)) == Outcome::in_sync);
    CHECK(outcome_of(storage.ensure_lifecycle(name, {kept}, ask)) == Outcome::in_sync);
    CHECK(outcome_of(storage.ensure_tags(name, {{"kept", ""}}, ask)) == Outcome::in_sync);
    CHECK(room.writes() == writes);

    // The last of its kind goes, too, and can be added again.
    CHECK(outcome_of(storage.remove_rule(name, kept, ask)) == Outcome::changed);
    CHECK(outcome_of(storage.remove_tag(name, "kept", "", ask)) == Outcome::changed);
    CHECK(outcome_of(storage.remove_rule(name, kept, ask)) == Outcome::in_sync);
    if (shared) CHECK(room.foreign(name) == foreign);
    CHECK(outcome_of(storage.ensure_lifecycle(name, {kept}, ask)) == Outcome::changed);
    CHECK(outcome_of(storage.ensure_tags(name, {{"kept", ""}}, ask)) == Outcome::changed);
    CHECK(storage.settle().empty());
    if (shared) CHECK(room.foreign(name) == foreign);
  }
  const int last = room.writes();
  CHECK(storage.remove_rule("../etc", rule, ask).error().code == "field.invalid");
  CHECK(storage.remove_rule(bucket, {"", "", 1}, ask).error().code == "field.invalid");
  CHECK(storage.remove_tag(bucket, "aws:x", "y", ask).error().code == "field.invalid");
  CHECK(room.writes() == last);
}

/// `bucket` is a name that is nobody's yet.
inline void storage_contract(StorageRoom& room, const std::string& bucket) {
  using environment::Outcome;
  auto& storage = *room.storage;
  const environment::Ask ask{"657c8285d2544f64", false}, dry{"", true};
  const std::vector<profile::LifecycleRule> rules{{"tmp-7d", "tmp/", 7}, {"log <30> & d", "log/", 30}};
  const std::map<std::string, std::string> tags{{"owner", "platform & co"}, {"stage", ""}};
  const auto all = [&](const environment::Ask& how) {
    std::vector<Outcome> came{outcome_of(storage.ensure_bucket(bucket, how)),
                              outcome_of(storage.ensure_versioning(bucket, true, how)),
                              outcome_of(storage.ensure_lifecycle(bucket, rules, how)),
                              outcome_of(storage.ensure_tags(bucket, tags, how))};
    CHECK(storage.settle().empty());
    return came;
  };
  const std::vector<Outcome> changed(4, Outcome::changed), in_sync(4, Outcome::in_sync);

  // A dry run says what an apply does, and does nothing.
  const int before = room.writes();
  CHECK(all(dry) == changed);
  CHECK(room.writes() == before);
  CHECK_FALSE(has(*storage.buckets(), bucket));
  for (const auto& told :
       {storage.ensure_versioning(bucket, true, ask), storage.ensure_lifecycle(bucket, rules, ask),
        storage.ensure_tags(bucket, tags, ask)}) {
    REQUIRE_FALSE(told);
    CHECK(told.error().code == "not.found");
  }

  // The first apply adds, and every later one writes nothing.
  CHECK(all(ask) == changed);
  const int applied = room.writes();
  CHECK(applied > before);
  CHECK(all(ask) == in_sync);
  CHECK(all(dry) == in_sync);
  CHECK(room.writes() == applied);
  CHECK(has(*storage.buckets(), bucket));

  // What was made by hand is there after the hundredth ensure, as it was before the first.
  room.by_hand(bucket);
  const auto foreign = room.foreign(bucket);
  REQUIRE_FALSE(foreign.empty());
  std::vector<profile::LifecycleRule> more;
  for (int i = 0; i < 100; i++) {
    more.assign(1, {"grown-" + std::to_string(i / 10), "grown/" + std::to_string(i / 10) + "/", 1 + i / 10});
    const auto expected = i % 10 == 0 ? Outcome::changed : Outcome::in_sync;
    CHECK(outcome_of(storage.ensure_lifecycle(bucket, more, ask)) == expected);
    CHECK(outcome_of(storage.ensure_tags(bucket, {{"round", std::to_string(i / 10)}}, ask)) == expected);
    CHECK(storage.settle().empty());
  }
  CHECK(room.foreign(bucket) == foreign);

  // A tag of the profile gets its value back; a rule of its name and another content is left alone.
  const auto owner = storage.ensure_tags(bucket, tags, ask);
  CHECK(outcome_of(owner) == Outcome::changed);
  CHECK(owner->desired == Json{{"owner", "platform & co"}, {"stage", ""}});
  CHECK(owner->actual == Json{{"owner", "nobody"}});
  CHECK(storage.settle().empty());
  for (const auto& other :
       {profile::LifecycleRule{"tmp-7d", "tmp/", 8}, profile::LifecycleRule{"tmp-7d", "temp/", 7},
        profile::LifecycleRule{"archive", "archive/", 365}}) {
    const int so_far = room.writes();
    const auto told = storage.ensure_lifecycle(bucket, {other}, ask);
    CHECK(outcome_of(told) == Outcome::drifted);
    CHECK(told->desired[0]["expire_days"] == other.expire_days);
    CHECK(told->actual[0]["id"] == other.id);
    CHECK(storage.settle().empty());
    CHECK(room.writes() == so_far);
  }
  // One that has drifted keeps no other from being added.
  CHECK(outcome_of(storage.ensure_lifecycle(bucket, {{"tmp-7d", "tmp/", 8}, {"new", "new/", 1}}, ask)) ==
        Outcome::drifted);
  CHECK(outcome_of(storage.ensure_lifecycle(bucket, {{"new", "new/", 1}}, ask)) == Outcome::in_sync);
  CHECK(storage.settle().empty());
  CHECK(room.foreign(bucket) == foreign);

  // Versions are turned on, also where they were suspended, and never off.
  const auto off = storage.ensure_versioning(bucket, false, ask);
  CHECK(outcome_of(off) == Outcome::drifted);
  CHECK(off->desired == false);
  CHECK(off->actual == true);
  CHECK(outcome_of(storage.ensure_versioning(bucket, true, ask)) == Outcome::in_sync);
  room.suspend(bucket);
  CHECK(outcome_of(storage.ensure_versioning(bucket, false, ask)) == Outcome::in_sync);
  CHECK(outcome_of(storage.ensure_versioning(bucket, true, ask)) == Outcome::changed);

  // What cannot be is refused before anything is asked or written.
  const int last = room.writes();
  for (const auto* name : {"", "ab", "Upper", "a_b", "-ab", "a..b", "10.0.0.1", "../etc", ".meta", "a/b"})
    for (const auto& told : {storage.ensure_bucket(name, ask), storage.ensure_versioning(name, true, ask),
                             storage.ensure_lifecycle(name, {}, ask), storage.ensure_tags(name, {}, ask)}) {
      CAPTURE(name);
      REQUIRE_FALSE(told);
      CHECK(told.error().code == "field.invalid");
    }
  const std::vector<profile::LifecycleRule> twice{{"a", "", 1}, {"a", "b", 1}};
  CHECK(storage.ensure_lifecycle(bucket, twice, ask).error().code == "field.invalid");
  CHECK(storage.ensure_tags(bucket, {{"aws:x", "y"}}, ask).error().code == "field.invalid");
  CHECK(room.writes() == last);

  removal_contract(room, bucket);
}

}  // namespace muster::test
