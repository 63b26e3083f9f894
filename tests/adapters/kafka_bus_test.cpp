// Shows the bus on Kafka: under the contract of every bus, what is sent, and a cluster that loses, delays,
// refuses and goes away.
#include "adapters/kafka_bus.hpp"

#include <set>

#include <catch2/catch.hpp>

#include "tests/adapters/mock_kafka.hpp"
#include "tests/adapters/publishing_contract.hpp"
#include "tests/support/eventually.hpp"

using namespace muster;

namespace {

/// Gives up soon.
KafkaSettings hasty(const MockKafka& kafka) {
  auto settings = kafka.settings();
  settings.connect = Millis{1'200};
  settings.answer = Millis{1'500};
  return settings;
}

std::string code_of(const Status& status) {
  return status ? "ok" : status.error().code;
}

}  // namespace

TEST_CASE("the bus on Kafka keeps the contract of publishing", "[S0-11][S2-71][S2-72]") {
  MockKafka kafka;
  const auto bus = make_kafka_bus(kafka.settings());
  REQUIRE(bus);
  publishing_contract(**bus);
}

TEST_CASE("a message in Kafka has its key in two headers, and none that would choose its partition",
          "[S2-72]") {
  MockKafka kafka;
  KafkaBus bus(kafka.settings());
  REQUIRE(bus.publish("overlay.register", "{}", "cluster/7"));
  REQUIRE(bus.publish("overlay.leader", "", ""));
  const auto records = records_of(kafka, "events");
  REQUIRE(records.size() == 2);
  CHECK(records[0].topic == "overlay.register");
  CHECK(records[0].message_id == "cluster/7");
  CHECK(records[0].idempotency_key == "cluster/7");
  CHECK(records[0].content_type == "application/json");
  CHECK(records[0].body == "{}");
  CHECK_FALSE(records[0].keyed);
  CHECK(records[1].message_id == "(none)");
  CHECK(records[1].body.empty());
}

TEST_CASE("an exchange is a topic of its name, and none is made by sending to it") {
  MockKafka kafka;
  kafka.make_topic("orders", 3);
  KafkaBus bus(kafka.settings());
  CHECK(bus.publish_to("orders", "new", "1", ""));
  for (const auto* nothing : {"nowhere", "", "no topic", "."}) {
    CHECK(bus.publish_to(nothing, "k", "x", "").error().code == "bus.unknown");
    CHECK(bus.publish_to(nothing, "k", "x", "").error().code == "bus.unknown");
  }
  auto settings = kafka.settings();
  settings.exchange = "later";
  kafka.lack("later");
  KafkaBus early(settings);
  CHECK(early.publish("k", "x", "key").error().code == "bus.unknown");
  CHECK(early.subscribe("#", [](const BusMessage&) {}).error().code == "bus.unknown");
  kafka.lack("later", false);
  CHECK(early.publish("k", "x", "key"));
}

TEST_CASE("what a broker fails at for a while is in the topic once, under its id", "[S2-72]") {
  MockKafka kafka;
  KafkaBus bus(kafka.settings());
  REQUIRE(bus.publish("k", "first", "m-first"));
  kafka.fail(kProduce, {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT});
  std::vector<BusMessage> messages;
  for (int i = 0; i < 500; i++)
    messages.push_back({"events", "k", std::to_string(i), "m-" + std::to_string(i)});
  for (const auto& status : bus.publish_many(messages)) REQUIRE(code_of(status) == "ok");
  const auto records = records_of(kafka, "events");
  REQUIRE(records.size() == 501);
  for (int i = 0; i < 500; i++) {
    REQUIRE(records[i + 1].message_id == "m-" + std::to_string(i));
    REQUIRE(records[i + 1].body == std::to_string(i));
  }
}

TEST_CASE("what a cluster refuses is told with its code, and may be sent again with its key") {
  MockKafka kafka;
  KafkaBus bus(kafka.settings());
  REQUIRE(bus.publish("k", "x", ""));
  const auto [refusal, code] = GENERATE(table<rd_kafka_resp_err_t, std::string>(
    {{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "backend.refused"},
     {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "bus.limit"},
     {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "backend.refused"}}));
  kafka.fail(kProduce, {refusal});
  CHECK(code_of(bus.publish("k", "x", "key")) == code);
  CHECK(eventually([&] { return bool(bus.publish("k", "x", "key")); }));
  CHECK(code_of(bus.publish("k", "x", "key")) == "ok");
  CHECK(records_of(kafka, "events").size() == 2);
}

TEST_CASE("a topic that may not be described is refused, and the bus goes on") {
  MockKafka kafka;
  kafka.make_topic("secret", 1);
  rd_kafka_mock_topic_set_error(kafka.get(), "secret", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  KafkaBus bus(kafka.settings());
  CHECK(code_of(bus.publish_to("secret", "k", "x", "")) == "backend.refused");
  CHECK(code_of(bus.publish("k", "x", "")) == "ok");
}

TEST_CASE("a cluster that goes away is told in time, and used again when it is back", "[S2-37]") {
  MockKafka kafka;
  KafkaBus bus(hasty(kafka));
  Mailbox<std::string> got;
  const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m.idempotency_key); });
  REQUIRE(subscription);
  REQUIRE(bus.publish("k", "x", "before"));
  kafka.set_down();
  std::vector<BusMessage> messages;
  for (int i = 0; i < 100; i++) messages.push_back({"events", "k", "x", "m-" + std::to_string(i)});
  for (const auto& status : bus.publish_many(messages)) CHECK(code_of(status) == "unreachable");
  CHECK(code_of(bus.publish("k", "x", "m-0")) == "unreachable");
  kafka.set_up();
  CHECK(eventually([&] {
    const auto statuses = bus.publish_many(messages);
    return std::all_of(statuses.begin(), statuses.end(), [](const Status& status) { return bool(status); });
  }));
  CHECK(bus.publish("k", "x", "after"));
  REQUIRE(
    got.wait_for([](const auto& all) { return !all.empty() && all.back() == "after"; }));  // It read on.
  const auto all = got.all();
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == 102);  // None lost, and no other id.
}

TEST_CASE("while a cluster is away nobody waits for it again and again") {
  MockKafka kafka;
  auto settings = hasty(kafka);
  settings.first_retry = settings.longest_retry = std::chrono::hours{1};
  KafkaBus bus(settings);
  kafka.set_down();
  CHECK(code_of(bus.publish("k", "x", "")) == "unreachable");
  kafka.set_up();
  CHECK(code_of(bus.publish("k", "x", "")) == "unreachable");  // Not looked for yet.
  CHECK(code_of(bus.publish_to("other", "k", "x", "")) == "unreachable");
}

TEST_CASE("confirms that come late are waited for, and those that never come are not") {
  MockKafka kafka;
  KafkaBus bus(hasty(kafka));
  REQUIRE(bus.publish("k", "x", ""));
  kafka.answer_after(Millis{300});
  CHECK(code_of(bus.publish("k", "x", "late")) == "ok");
  kafka.answer_after(Millis{60'000});
  CHECK(code_of(bus.publish("k", "x", "lost")) == "unreachable");
  kafka.answer_after(Millis{0});
}

TEST_CASE("more messages than fit at once go through, one after the other") {
  MockKafka kafka;
  auto settings = kafka.settings();
  settings.queued_messages =
    GENERATE(1, 10);  // With room for one it is full after each report, for a moment.
  KafkaBus bus(settings);
  std::vector<BusMessage> messages;
  for (int i = 0; i < 200; i++)
    messages.push_back({"events", "k", std::to_string(i), "m-" + std::to_string(i)});
  for (const auto& status : bus.publish_many(messages)) REQUIRE(code_of(status) == "ok");
  CHECK(records_of(kafka, "events").size() == 200);
}

TEST_CASE("more messages than fit at once end in time when nobody answers") {
  MockKafka kafka;
  auto settings = hasty(kafka);
  settings.queued_messages = 10;
  KafkaBus bus(settings);
  REQUIRE(bus.publish("k", "x", ""));
  kafka.answer_after(Millis{60'000});
  std::vector<BusMessage> messages;
  for (int i = 0; i < 200; i++) messages.push_back({"events", "k", std::to_string(i), ""});
  for (const auto& status : bus.publish_many(messages)) REQUIRE(code_of(status) == "unreachable");
  kafka.answer_after(Millis{0});
}

TEST_CASE("keys are forgotten after the window, and subscriptions are bounded") {
  MockKafka kafka;
  auto settings = kafka.settings();
  settings.remembered_keys = 2;
  settings.subscriptions = 1;
  KafkaBus bus(settings);
  for (const auto* key : {"a", "b", "a", "c", "a"}) REQUIRE(bus.publish("k", key, key));
  CHECK(records_of(kafka, "events").size() == 4);
  {
    const auto first = bus.subscribe("#", [](const BusMessage&) {});
    CHECK(first);
    CHECK(bus.subscribe("#", [](const BusMessage&) {}).error().code == "bus.limit");
  }
  CHECK(bus.subscribe("#", [](const BusMessage&) {}));
  CHECK(bus.subscribe(std::string(256, 'x'), [](const BusMessage&) {}).error().code == "field.invalid");
}

TEST_CASE("a subscriber hears every partition, from now on") {
  MockKafka kafka(3);
  kafka.make_topic("wide", 6);
  auto settings = kafka.settings();
  settings.exchange = "wide";
  KafkaBus bus(settings);
  REQUIRE(bus.publish("k", "before", "before"));
  Mailbox<std::string> got;
  const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m.body); });
  REQUIRE(subscription);
  std::set<std::string> expected;
  for (int i = 0; i < 60; i++) {
    REQUIRE(bus.publish("k", std::to_string(i), std::to_string(i)));
    expected.insert(std::to_string(i));
  }
  REQUIRE(got.wait_for_size(60));
  const auto all = got.all();
  CHECK(std::set<std::string>(all.begin(), all.end()) == expected);
  CHECK(all.size() == 60);
}
