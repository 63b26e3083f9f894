// One subscriber of a Kafka cluster: a client and a thread of its own, which reads on where it was when the
// connection broke.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "adapters/kafka_client.hpp"
#include "adapters/ports/event_bus.hpp"

struct rd_kafka_topic_s;

namespace muster {

class KafkaListener {
public:
  /// What is published when this has returned is heard. Errors: the port's.
  static Result<std::shared_ptr<KafkaListener>> start(const KafkaSettings& settings, std::string pattern,
                                                      EventBus::OnMessage callback);
  ~KafkaListener();
  KafkaListener(const KafkaListener&) = delete;
  KafkaListener& operator=(const KafkaListener&) = delete;

  /// No callback begins afterwards, a running one is waited for. Not to be called inside it; once.
  void stop();
  [[nodiscard]] static uint64_t dropped() { return 0; }  ///< The cluster keeps what waits.

private:
  KafkaListener(std::string pattern, EventBus::OnMessage callback)
    : pattern_(std::move(pattern)), callback_(std::move(callback)) {}
  Status listen(const KafkaSettings& settings);
  void run();
  void take(const rd_kafka_message_s& message);

  const std::string pattern_;
  const EventBus::OnMessage callback_;
  std::unique_ptr<KafkaClient> client_;
  rd_kafka_topic_s* topic_ = nullptr;
  rd_kafka_queue_s* queue_ = nullptr;
  int32_t partitions_ = 0;  ///< That are listened to.
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace muster
