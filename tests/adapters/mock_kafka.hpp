// A Kafka cluster inside the test: librdkafka's own mock, which loses, delays and refuses as it is told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
// The mock's header does not stand alone.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "adapters/kafka.hpp"

namespace muster {

constexpr int16_t kProduce = 0, kFetch = 1, kMetadata = 3;  ///< Requests, by Kafka's numbers.

/// Of one broker unless told, with topic "events". It knows no admin requests, and makes every topic that it
/// is asked for, whatever was said of that: those that lack are named.
class MockKafka {
public:
  explicit MockKafka(int brokers = 1) {
    char why[256];
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", nullptr, 0);
    handle_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why));
    REQUIRE(handle_);
    cluster_.reset(rd_kafka_mock_cluster_new(handle_.get(), brokers));
    REQUIRE(cluster_);
    make_topic("events", 1);
    lack("nowhere");
  }

  void make_topic(const std::string& name, int partitions) {
    REQUIRE(rd_kafka_mock_topic_create(get(), name.c_str(), partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  /// Answers for that topic as if there was none, until it is there.
  void lack(const std::string& name, bool lacks = true) {
    rd_kafka_mock_topic_set_error(
      get(), name.c_str(), lacks ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  /// The next requests of that kind fail so, one after the other.
  void fail(int16_t request, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(get(), request, errors.size(), errors.data());
  }
  void set_down() { rd_kafka_mock_broker_set_down(get(), -1); }
  void set_up() { rd_kafka_mock_broker_set_up(get(), -1); }
  void answer_after(Millis time) { rd_kafka_mock_broker_set_rtt(get(), -1, static_cast<int>(time.count())); }

  [[nodiscard]] rd_kafka_mock_cluster_t* get() const { return cluster_.get(); }
  [[nodiscard]] std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(get()); }
  /// Looks again soon, so that a test need not wait.
  [[nodiscard]] KafkaSettings settings() const {
    KafkaSettings settings;
    settings.brokers = brokers();
    settings.first_retry = Millis{20};
    settings.longest_retry = Millis{100};
    return settings;
  }

private:
  std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> handle_{nullptr, rd_kafka_destroy};
  std::unique_ptr<rd_kafka_mock_cluster_t, void (*)(rd_kafka_mock_cluster_t*)> cluster_{
    nullptr, rd_kafka_mock_cluster_destroy};
};

/// Somebody else who reads a topic from its beginning, and what each message came with.
struct KafkaRecord {
  std::string topic, message_id, idempotency_key, content_type, body;
  bool keyed = false;
};

inline std::string header_in(const rd_kafka_message_t* message, const char* name) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return "(none)";
  return {static_cast<const char*>(value), size};
}

/// All that a partition holds.
inline std::vector<KafkaRecord> records_of(const MockKafka& kafka, const std::string& topic) {
  auto* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", kafka.brokers().c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "enable.partition.eof", "true", nullptr, 0);
  char why[256];
  auto* handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
  REQUIRE(handle != nullptr);
  auto* reading = rd_kafka_topic_new(handle, topic.c_str(), nullptr);
  rd_kafka_consume_start(reading, 0, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<KafkaRecord> records;
  bool over = false;
  while (!over) {
    auto* message = rd_kafka_consume(reading, 0, 10'000);
    if (message == nullptr) break;
    over = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      records.push_back({header_in(message, "topic"), header_in(message, "message-id"),
                         header_in(message, "x-idempotency-key"), header_in(message, "content-type"),
                         std::string(static_cast<const char*>(message->payload), message->len),
                         message->key != nullptr});
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consume_stop(reading, 0);
  rd_kafka_topic_destroy(reading);
  rd_kafka_destroy(handle);
  CHECK(over);
  return records;
}

}  // namespace muster
