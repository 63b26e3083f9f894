// Kafka: where a cluster is, and what is made of it. In a build without librdkafka each is a
// `config.invalid`.
#pragma once

#include <memory>
#include <string>

#include "adapters/ports/event_bus.hpp"
#include "adapters/ports/topics.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

struct KafkaSettings {
  std::string brokers;                          ///< host:port, by commas.
  std::string security_protocol = "plaintext";  ///< Or ssl, sasl_plaintext, sasl_ssl; in any case.
  std::string sasl_mechanism = "PLAIN";         ///< Or SCRAM-SHA-256, SCRAM-SHA-512.
  std::string user{}, password{};               ///< For SASL.
  std::string ca_file{};                        ///< PEM; empty: the system's.
  std::string exchange = "events";              ///< The bus's own topic.
  Millis connect{3'000}, answer{10'000};        ///< For a broker that answers; for a whole call.
  Millis first_retry{1'000},
    longest_retry{60'000};  ///< Between looks for one that is away; doubled, with jitter.
  size_t remembered_keys = 65'536;
  size_t subscriptions = 64;
  size_t message_bytes = 1024 * 1024;
  size_t queued_messages = 10'000;  ///< Under way at once.
};

/// Error: `config.invalid`, which quotes no password.
[[nodiscard]] Status check(const KafkaSettings& settings);

/// A topic for each exchange: kept as they come, whoever listens. Nothing is connected before it is used.
/// Order is kept inside a partition; subscribers hear the partitions that a topic has when they begin.
[[nodiscard]] Result<std::shared_ptr<EventBus>> make_kafka_bus(const KafkaSettings& settings);

[[nodiscard]] Result<std::shared_ptr<Topics>> make_kafka_topics(const KafkaSettings& settings);

}  // namespace muster
