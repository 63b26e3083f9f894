// Shows that the outbox tells Kafka, here librdkafka's mock of a cluster, each event once, also when the
// cluster was away.
#include <set>

#include "tests/adapters/mock_kafka.hpp"
#include "tests/app/outbox_room.hpp"

using namespace muster;
using namespace muster::app;

TEST_CASE("what is committed while Kafka is away is there once when it is back, with its id and its name",
          "[S0-11][S2-31][S2-34]") {
  MockKafka kafka;
  OutboxRoom room;
  auto bus = make_kafka_bus(kafka.settings());
  REQUIRE(bus);
  room.told_bus = std::move(*bus);
  room.place = 0;
  const auto outbox = room.outbox();
  for (int i = 0; i < 3; i++) room.add();
  outbox->wake();
  REQUIRE(room.told_to(3));
  kafka.set_down();
  for (int i = 0; i < 5; i++) room.add();
  outbox->wake();
  kafka.set_up();
  REQUIRE(room.told_to(8));
  std::multiset<std::string> ids;
  for (const auto& record : records_of(kafka, "events")) {
    ids.insert(record.message_id);
    CHECK(record.topic == "overlay.register");
    CHECK(record.idempotency_key == record.message_id);
  }
  for (int seq = 1; seq <= 8; seq++) CHECK(ids.count("c1/" + std::to_string(seq)) >= 1);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == 8);
}

TEST_CASE("an outbox whose topic is missing tells once there is one") {
  MockKafka kafka;
  OutboxRoom room;
  kafka.make_topic("later", 1);
  kafka.lack("later");
  auto settings = kafka.settings();
  settings.exchange = "later";
  auto bus = make_kafka_bus(settings);
  REQUIRE(bus);
  room.told_bus = std::move(*bus);
  room.place = 0;
  room.add();
  const auto outbox = room.outbox();
  kafka.lack("later", false);
  CHECK(room.told_to(1));
  CHECK(records_of(kafka, "later").size() == 1);
}
