// Shows which settings of Kafka there can be, and what is made of them in a build with it or without.
#include <catch2/catch.hpp>

#include "adapters/kafka.hpp"

using namespace muster;

namespace {

KafkaSettings at(std::string brokers) {
  KafkaSettings settings;
  settings.brokers = std::move(brokers);
  return settings;
}

std::string fault_of(const KafkaSettings& settings) {
  const auto status = check(settings);
  if (status) return "";
  CHECK(status.error().code == "config.invalid");
  CHECK(make_kafka_bus(settings).error().code == "config.invalid");
  CHECK(make_kafka_topics(settings).error().code == "config.invalid");
  return status.error().detail;
}

}  // namespace

TEST_CASE("brokers are hosts and ports") {
  for (const auto* brokers : {"kafka:9092", "10.0.0.1:1,b-2.example_net:65535", "[::1]:9092"})
    CHECK(fault_of(at(brokers)).empty());
  for (const auto* brokers :
       {"", "kafka", "kafka:", ":9092", "kafka:0", "kafka:65536", "kafka:9092x", "kafka:-1", "a:1,", ",a:1",
        "a:1 ,b:2", "kafka://a:1", "user:word@a:1", "::1:9092", "[]:1", "a\nb:1", "a=b:1"}) {
    CAPTURE(brokers);
    CHECK_THAT(fault_of(at(brokers)),
               Catch::StartsWith("kafka-brokers: number ") && !Catch::Contains("word"));
  }
  std::string many = "a:1";
  for (int i = 0; i < 32; i++) many += ",a:1";
  CHECK_FALSE(fault_of(at(many)).empty());
}

TEST_CASE("what Kafka is spoken to with is checked, and a password is not quoted") {
  auto settings = at("kafka:9092");
  for (const auto* protocol : {"plaintext", "SSL", "ssl"}) {
    settings.security_protocol = protocol;
    CHECK(fault_of(settings).empty());
  }
  settings.security_protocol = "tls";
  CHECK_THAT(fault_of(settings), Catch::StartsWith("kafka-security-protocol: "));
  settings.security_protocol = "SASL_SSL";
  settings.user = "someone";
  CHECK_THAT(fault_of(settings), Catch::Contains("needs kafka-user and kafka-password"));
  settings.password = "s3cr3t\nword";
  CHECK_THAT(fault_of(settings), Catch::StartsWith("kafka-password: ") && !Catch::Contains("s3cr3t"));
  settings.password = "s3cr3t";
  CHECK(fault_of(settings).empty());
  settings.sasl_mechanism = "GSSAPI";
  CHECK_THAT(fault_of(settings), Catch::StartsWith("kafka-sasl-mechanism: "));
  settings = at("kafka:9092");
  settings.exchange = "no topic";
  CHECK_THAT(fault_of(settings), Catch::StartsWith("amqp-exchange: "));
}

TEST_CASE("a build without Kafka says so, and how to get one with it") {
  const auto bus = make_kafka_bus(at("127.0.0.1:1"));
  const auto topics = make_kafka_topics(at("127.0.0.1:1"));
  REQUIRE(bool(bus) == bool(topics));
  if (bus) return;
  CHECK(bus.error().code == "config.invalid");
  CHECK_THAT(bus.error().detail, Catch::Contains("librdkafka-dev"));
  CHECK(topics.error().detail == bus.error().detail);
}
