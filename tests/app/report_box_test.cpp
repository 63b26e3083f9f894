// Shows that what a node has to report of its environment waits in order, over crashes, and that an apply
// that was cut short is looked into.
#include "app/node/report_box.hpp"

#include <catch2/catch.hpp>

#include "domain/bootstrap.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::app;
using environment::Component;
using environment::Report;

namespace {

const bootstrap::Thing kTag{"tag", "media", "owner", {R"({"key":"owner"})"}};
const bootstrap::Thing kRule{"rule", "media", "tmp", {R"({"id":"tmp"})"}};

struct Room {
  log::MemoryDisk disk;
  std::unique_ptr<ReportBox> box = opened();

  std::unique_ptr<ReportBox> opened() {
    auto made = ReportBox::open("n1", disk);
    REQUIRE(made);
    return std::move(*made);
  }
  /// As after a kill: what is durable is there.
  void start_again() {
    box.reset();
    disk.lose_power(0);
    REQUIRE(disk.reopen());
    box = opened();
  }
  /// Takes what waits, in order.
  std::vector<Json> told() {
    std::vector<Json> all;
    while (const auto body = box->waiting()) {
      all.push_back(*parse_json(*body));
      box->drop(*body);
    }
    return all;
  }
};

Report report(std::vector<environment::Row> rows, int64_t at = 2'000) {
  Report made;
  made.backend = "s3";
  made.endpoint = "e1";
  made.generation = "g1";
  made.key = "k";
  made.at = Time{Millis{at}};
  made.rows = std::move(rows);
  return made;
}

environment::Row row(std::string kind, std::string status, std::vector<bootstrap::Thing> added = {}) {
  return {std::move(kind), "media", std::move(status), "", {}, {}, false, std::move(added)};
}

/// A look that has written nothing yet: all of it is missing.
Report look(int64_t at = 1'000) {
  return report(
    {row("bucket", "changed"), row("tags", "changed", {kTag}), row("lifecycle", "changed", {kRule})}, at);
}

std::string key(int64_t at) {
  return report({}, at).told_key();
}

environment::Row other(std::string status) {
  return {"bucket", "theirs", std::move(status), "403"};
}

std::vector<std::string> texts(const std::vector<Json>& bodies, const char* member) {
  std::vector<std::string> all;
  for (const auto& body : bodies) all.push_back(body.value(member, std::string{}));
  return all;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("an intent waits before what it came to, also over a crash, and neither is told twice", "[S2-64]") {
  Room room;
  REQUIRE(room.box->intend(look()));
  CHECK(room.box->put(report({row("bucket", "changed"), row("tags", "changed", {kTag})})));
  room.start_again();
  const auto told = room.told();
  CHECK(texts(told, "status") == Words{"intended", "ok"});
  CHECK(told[0]["total"] == 3);
  CHECK(told[1]["added"] ==
        Json::array({{{"kind", "tag"}, {"of", "media"}, {"name", "owner"}, {"as", {{"key", "owner"}}}}}));
  CHECK(told[1]["backend"] == "s3");
  CHECK(told[1]["endpoint"] == "e1");
  room.start_again();
  CHECK(room.told().empty());
}

TEST_CASE("an apply that a crash cut short is ended by the first look that knows") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  CHECK(texts(room.told(), "status") == Words{"intended"});
  CHECK(room.box->put(report({row("bucket", "unreachable")})));
  CHECK(texts(room.told(), "action") == Words{"check"});
  CHECK(room.box->put(
    report({row("bucket", "in_sync"), row("tags", "in_sync"), row("lifecycle", "in_sync")}, 5'000)));
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"recover", "check"});
  CHECK(told[0]["idempotency_key"] == key(1'000));
  CHECK(told[0]["status"] == "ok");
  CHECK(told[0]["message"].get<std::string>().ends_with("3 of 3 resources are as intended"));
  CHECK(told[0]["added"].size() == 2);
  CHECK(told[0]["endpoint"] == "e1");
  room.start_again();
  (void)room.box->put(report({row("bucket", "in_sync")}));
  CHECK(texts(room.told(), "action") == Words{"check"});
}

TEST_CASE("what a cut apply had not reached is intended anew, and only what it had reached was added") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  REQUIRE(room.box->intend(
    report({row("bucket", "in_sync"), row("tags", "in_sync"), row("lifecycle", "changed", {kRule})})));
  CHECK(room.box->put(report({row("bucket", "in_sync"), row("lifecycle", "changed", {kRule})})));
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"apply", "recover", "apply", "apply"});
  CHECK(told[1]["idempotency_key"] == key(1'000));
  CHECK(told[1]["status"] == "skipped");
  CHECK(told[1]["message"].get<std::string>().ends_with("2 of 3 resources are as intended"));
  CHECK(told[1]["added"] ==
        Json::array({{{"kind", "tag"}, {"of", "media"}, {"name", "owner"}, {"as", {{"key", "owner"}}}}}));
  CHECK(told[2]["idempotency_key"] == key(2'000));
}

TEST_CASE("nothing counts as added by a cut apply while a component is only observed, or answers in part") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  auto observed = report({row("bucket", "in_sync"), row("tags", "drifted")});
  observed.observed = true;
  (void)room.box->put(observed);
  CHECK(texts(room.told(), "action") == Words{"apply", "check"});
  REQUIRE(room.box->intend(
    report({row("bucket", "in_sync"), row("tags", "unreachable"), row("lifecycle", "changed", {kRule})})));
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"recover", "apply"});
  CHECK(told[0]["status"] == "skipped");
  CHECK(told[0]["message"].get<std::string>().ends_with("1 of 3 resources are as intended, 1 not known"));
  CHECK(!told[0].contains("added"));
}

TEST_CASE("an apply that was cut short is ended whatever becomes of what it was not about") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  (void)room.told();
  SECTION("nothing is left to write") {
    CHECK(room.box->put(report(
      {other("failed"), row("bucket", "in_sync"), row("tags", "in_sync"), row("lifecycle", "in_sync")})));
    const auto told = room.told();
    CHECK(texts(told, "action") == Words{"recover", "check"});
    CHECK(told[0]["status"] == "ok");
    CHECK(told[0]["added"].size() == 2);
  }
  SECTION("something is left to write") {
    REQUIRE(room.box->intend(report({other("unreachable"), row("bucket", "in_sync"), row("tags", "in_sync"),
                                     row("lifecycle", "changed", {kRule})})));
    const auto told = room.told();
    CHECK(texts(told, "action") == Words{"recover", "apply"});
    CHECK(told[0]["message"].get<std::string>().ends_with("2 of 3 resources are as intended"));
    CHECK(told[0]["added"].size() == 1);
    CHECK(told[0]["added"][0]["name"] == "owner");
  }
}

TEST_CASE("an apply that was cut short waits until all that it was about is seen again") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  (void)room.told();
  for (const auto* status : {"failed", "unreachable", "paused"})
    (void)room.box->put(report({row("bucket", "in_sync"), row("tags", status), row("lifecycle", "in_sync")}));
  (void)room.box->put(report({row("bucket", "failed")}));  // What follows it is passed over.
  for (const auto& action : texts(room.told(), "action")) CHECK(action == "check");
  (void)room.box->put(
    report({row("bucket", "in_sync"), row("tags", "in_sync"), row("lifecycle", "in_sync")}));
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"recover", "check"});
  CHECK(told[0]["added"].size() == 2);
}

TEST_CASE("an apply that was cut short is ended when nobody looks any more") {
  Room room;
  auto topics = report({{"topic", "orders", "changed", ""}});
  topics.component = Component::topics;
  CHECK(!room.box->give_up(Component::topics, Time{Millis{3'000}}));
  REQUIRE(room.box->intend(topics));
  CHECK(!room.box->give_up(Component::topics, Time{Millis{3'000}}));  // Its end is told by its own look.
  room.start_again();
  (void)room.told();
  CHECK(!room.box->give_up(Component::storage, Time{Millis{3'000}}));
  CHECK(room.box->give_up(Component::topics, Time{Millis{3'000}}));
  room.start_again();
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"recover"});
  CHECK(texts(told, "component") == Words{"topics"});
  CHECK(told[0]["idempotency_key"] == key(2'000));
  CHECK(told[0]["duration_ms"] == 1'000);
  CHECK(told[0]["message"].get<std::string>().ends_with("was cut short: the profile is another one now"));
  CHECK(!room.box->give_up(Component::topics, Time{Millis{4'000}}));
}

TEST_CASE("an apply that is refused again and again is told once, and once more when it is not", "[S2-64]") {
  Room room;
  const auto refused = [&](int64_t at) {
    return report({row("bucket", "failed"), row("tags", "failed"), row("lifecycle", "failed")}, at);
  };
  REQUIRE(room.box->intend(look()));
  CHECK(room.box->put(refused(1'000)));
  CHECK(texts(room.told(), "status") == Words{"intended", "error"});
  for (int64_t at = 2'000; at < 9'000; at += 1'000) {
    REQUIRE(room.box->intend(look(at)));
    CHECK(!room.box->put(refused(at)));
  }
  CHECK(room.told().empty());
  REQUIRE(room.box->intend(look(9'000)));
  SECTION("it is made at last") {
    CHECK(
      room.box->put(report({row("bucket", "changed"), row("tags", "failed"), row("lifecycle", "failed")})));
    const auto told = room.told();
    CHECK(texts(told, "status") == Words{"intended", "error"});
    CHECK(told[0]["idempotency_key"] == key(9'000));
  }
  SECTION("it is cut short") {
    room.start_again();
    (void)room.box->put(
      report({row("bucket", "in_sync"), row("tags", "in_sync"), row("lifecycle", "in_sync")}));
    const auto told = room.told();
    CHECK(texts(told, "status") == Words{"intended", "ok", "ok"});
    CHECK(told[1]["idempotency_key"] == key(9'000));
  }
}

TEST_CASE("a look for another profile does not say that all of a cut apply is as intended") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  auto other = report({row("bucket", "in_sync")});
  other.generation = "g2";
  CHECK(room.box->put(other));
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"apply", "recover", "check"});
  CHECK(told[1]["generation"] == "g1");
  CHECK(told[1]["status"] == "skipped");
  CHECK(told[1]["message"].get<std::string>().ends_with("was cut short: the profile is another one now"));
}

TEST_CASE("an apply that was cut short on one server is not judged by a look at another") {
  Room room;
  REQUIRE(room.box->intend(look()));
  room.start_again();
  auto other = report({row("bucket", "in_sync"), row("tags", "in_sync"), row("lifecycle", "in_sync")});
  SECTION("of another kind") {
    other.backend = "folder";
    other.endpoint.clear();
  }
  SECTION("of the same kind") {
    other.endpoint = "e2";
  }
  CHECK(room.box->put(other));
  const auto told = room.told();
  CHECK(texts(told, "action") == Words{"apply", "recover", "check"});
  CHECK(told[1]["status"] == "skipped");
  CHECK(told[1]["message"].get<std::string>().ends_with("was cut short: it was on another server"));
  CHECK(!told[1].contains("added"));
}

TEST_CASE("more things than one report may have are told in parts, under keys of their own") {
  Room room;
  std::vector<bootstrap::Thing> many;
  for (size_t i = 0; i < bootstrap::kMaxThings + 1; i++)
    many.push_back({"tag", "media", std::to_string(i), {"{}"}});
  CHECK(room.box->put(report({row("tags", "changed", many)})));
  const auto told = room.told();
  REQUIRE(told.size() == 2);
  CHECK(told[0]["added"].size() == bootstrap::kMaxThings);
  CHECK(told[1]["added"].size() == 1);
  CHECK(told[1]["idempotency_key"] == told[0]["idempotency_key"].get<std::string>() + "/2");
}

TEST_CASE("a control plane that takes 64 KiB takes all of what long things are told in") {
  Room room;
  std::vector<environment::Row> wanted;
  std::vector<bootstrap::Thing> many;
  for (size_t i = 0; i < 300; i++) {
    const auto name = std::to_string(i) + std::string(500, 'x');
    wanted.push_back({"binding", name, "changed", ""});
    many.push_back({"binding", "orders", name, {R"({"key":")" + name + R"("})"}});
  }
  REQUIRE(room.box->intend(report(std::move(wanted), 1'000)));
  CHECK(room.box->put(report({row("bindings", "changed", many)})));
  size_t added = 0;
  for (const auto& body : room.told()) {
    CHECK(body.dump().size() <= 64 * 1024);
    if (body["status"] == "intended") CHECK(body["total"] == many.size());
    for (const auto& thing : body.value("added", Json::array())) CHECK(thing["name"] == many[added++].name);
  }
  CHECK(added == many.size());
}

TEST_CASE("while nobody takes reports, the newest are kept") {
  Room room;
  for (size_t i = 0; i < ReportBox::kMostWaiting + 3; i++)
    CHECK(room.box->put(report({row("bucket", "changed")}, static_cast<int64_t>(i))));
  room.start_again();
  const auto told = room.told();
  CHECK(told.size() == ReportBox::kMostWaiting);
  CHECK(told.front()["idempotency_key"] == "k@" + to_rfc3339(Time{Millis{3}}));
}

TEST_CASE("nothing is intended on a disk that takes nothing") {
  Room room;
  room.disk.fail_writes(true);
  const auto kept = room.box->intend(look());
  REQUIRE(!kept);
  CHECK(kept.error().code == "log.unwritable");
  CHECK(!room.box->waiting());
}
