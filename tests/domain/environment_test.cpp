// Shows what looks at the environment are called, told and timed.
#include "domain/environment.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::environment;

namespace {

Report of(std::vector<std::string> statuses) {
  Report report;
  for (auto& status : statuses)
    report.rows.push_back({"bucket", "b" + std::to_string(report.rows.size()), status, "why"});
  return report;
}

}  // namespace

TEST_CASE("an outcome is told by its name, and an error by whether somebody may answer later",
          "[S2-30][S2-47]") {
  CHECK(row_of("bucket", "a", Ensured{Outcome::in_sync}).status == "in_sync");
  CHECK(row_of("queue", "q", Ensured{Outcome::incompatible, "other arguments", {{"ttl", 1}}, {{"ttl", 2}}}) ==
        Row{"queue", "q", "incompatible", "other arguments", {{"ttl", 1}}, {{"ttl", 2}}});
  for (const auto* code : {"unreachable", "backend.failed", "backend.throttled", "tls.untrusted"})
    CHECK(row_of("bucket", "a", Error{code, "no"}).status == "unreachable");
  for (const auto* code : {"backend.refused", "backend.reply", "backend.conflict", "field.invalid"})
    CHECK(row_of("bucket", "a", Error{code, "no"}).status == "failed");
}

TEST_CASE("a report is as bad as its worst row", "[S2-63]") {
  CHECK(status_of(of({})) == "ok");
  CHECK(status_of(of({"in_sync", "changed", "drifted"})) == "ok");
  CHECK(status_of(of({"in_sync", "incompatible"})) == "needs_migration");
  CHECK(status_of(of({"incompatible", "failed"})) == "error");
  CHECK(status_of(of({"unreachable", "in_sync"})) == "error");
}

TEST_CASE("a report says how many came to what, and why the first ones did") {
  CHECK(message_of(of({"in_sync", "in_sync"})) == "2 in_sync");
  CHECK(message_of(of({"changed", "in_sync"})) == "1 changed");
  CHECK(message_of(of({"failed", "changed", "drifted"})) ==
        "1 changed, 1 drifted, 1 failed; bucket b0: why; bucket b2: why");
  auto many = of(std::vector<std::string>(9, "failed"));
  CHECK(message_of(many) == "9 failed; bucket b0: why; bucket b1: why; bucket b2: why");
  many.rows[0].detail = std::string(kMaxMessage, 'x') + "\xc3\xa9";
  CHECK(message_of(many).size() <= kMaxMessage);
}

TEST_CASE("a report is news when something changed, or is not as it was") {
  const auto well = of({"in_sync"}), ill = of({"failed"}), other_away = of({"unreachable", "in_sync"});
  CHECK(is_news(well, nullptr));
  CHECK(!is_news(well, &well));
  CHECK(is_news(of({"changed"}), &well));
  CHECK(is_news(ill, &well));
  CHECK(is_news(well, &ill));
  CHECK(!is_news(ill, &ill));
  CHECK(is_news(of({"unreachable"}), &well));
  CHECK(is_news(well, &other_away));
  CHECK(!is_news(of({"in_sync", "unreachable"}), &other_away));
  CHECK(is_news(of({"failed", "unreachable"}), &other_away));
  auto other = well;
  other.generation = "g-2";
  CHECK(is_news(other, &well));
}

TEST_CASE("who does not answer is asked again soon, then at the interval") {
  const Pace pace;
  CHECK(next_look(pace, 0, 0) == pace.interval);
  CHECK(next_look(pace, 1, 0) == pace.first);
  CHECK(next_look(pace, 3, 0) == pace.first * 4);
  CHECK(next_look(pace, pace.attempts, 0) == pace.interval);
  CHECK(rc::check("never later than the interval, nor at once", [pace] {
    const auto failed = *rc::gen::inRange(0U, 60U);
    const auto chance = static_cast<double>(*rc::gen::inRange(0, 1000)) / 1000;
    const auto wait = next_look(pace, failed, chance);
    RC_ASSERT(wait <= pace.interval);
    RC_ASSERT(wait >= pace.first * 3 / 4);
  }));
}

TEST_CASE("a prune is about what its dry run showed, and not about what was gone already", "[S2-44]") {
  const bootstrap::Thing shown{"tag", "media", "owner", {}}, gone{"tag", "media", "stage", {}},
    held{"rule", "media", "tmp", {}};
  Report storage = of({"changed", "in_sync", "failed"}), broker = of({"in_sync"});
  broker.component = Component::broker;
  storage.rows[0].added = {shown};
  storage.rows[1].added = broker.rows[0].added = {gone};
  storage.rows[2].added = {held};
  CHECK(things_of({storage, broker}, "changed") == Removals{{Component::storage, {shown}}});
  CHECK(things_of({storage, broker}, "in_sync") ==
        Removals{{Component::storage, {gone}}, {Component::broker, {gone}}});
}

TEST_CASE("components have names, in the order in which they are made", "[S2-18]") {
  std::string names;
  for (const auto component : kComponents) {
    names += std::string(to_text(component)) + " ";
    CHECK(*component_of(to_text(component)) == component);
  }
  CHECK(names == "storage broker index topics ");
  CHECK(component_of("queues").error().code == "field.invalid");
}
