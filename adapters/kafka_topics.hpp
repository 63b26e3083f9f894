// The topics of a Kafka cluster, looked at and made through its admin interface.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/kafka.hpp"
#include "adapters/kafka_client.hpp"
#include "adapters/ports/topics.hpp"

struct rd_kafka_op_s;

namespace muster {

/// Nothing is connected before it is used. Settings of a topic that is there are never written: what this
/// library has for it, AlterConfigs, resets every setting that is not sent.
class KafkaTopics : public Topics {
public:
  explicit KafkaTopics(KafkaSettings settings) : settings_(std::move(settings)) {}

  Result<environment::Ensured> ensure_topic(const profile::Topic& topic,
                                            const environment::Ask& ask) override;
  void cancel() override;

private:
  using Clock = std::chrono::steady_clock;
  using Event = std::unique_ptr<rd_kafka_op_s, void (*)(rd_kafka_op_s*)>;

  Status connect();
  Result<std::optional<KafkaTopic>> look(const std::string& topic);
  Result<bool> create(const profile::Topic& topic, bool dry_run);
  Status read_config(const profile::Topic& topic, topics::Seen& seen);
  Status wait_for_leaders(const std::string& topic);
  Result<Event> answer(rd_kafka_queue_s* queue);
  [[nodiscard]] Millis left() const;
  [[nodiscard]] bool pause(Millis time);

  const KafkaSettings settings_;
  std::mutex mutex_;  ///< Guards the two below, for cancel().
  std::condition_variable wake_;
  std::unique_ptr<KafkaClient> client_;
  bool cancelled_ = false;
  Clock::time_point until_{};  ///< Of the running call.
};

}  // namespace muster
