// The bus on Kafka: a topic for each exchange, the routing key and the idempotency key in headers.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/kafka.hpp"
#include "adapters/kafka_client.hpp"
#include "adapters/ports/event_bus.hpp"
#include "adapters/recent_keys.hpp"
#include "adapters/subscribers.hpp"

namespace muster {

class KafkaListener;

/// What the bus sends as headers of every message.
namespace kafka_headers {
constexpr const char* kTopic = "topic";
constexpr const char* kMessageId = "message-id";
constexpr const char* kIdempotencyKey = "x-idempotency-key";
}  // namespace kafka_headers

/// Nothing is connected before it is used. It makes no topics: the profile's are made through Topics. That a
/// message is `required` is no question here, since a topic keeps what comes.
class KafkaBus : public EventBus {
public:
  explicit KafkaBus(KafkaSettings settings);
  ~KafkaBus() override;

  [[nodiscard]] const std::string& exchange() const override { return settings_.exchange; }
  [[nodiscard]] bool wanted() const override { return true; }  ///< It is kept for who comes later.
  /// A status is there within the time of an answer. `unreachable` may have been written nevertheless: who
  /// sends it again does so under the same key.
  std::vector<Status> publish_many(const std::vector<BusMessage>& messages) override;
  Result<std::unique_ptr<Subscription>> subscribe(std::string_view pattern, OnMessage callback) override;

private:
  using Clock = std::chrono::steady_clock;

  Status connect();
  Status find_target(const std::string& exchange);
  void broke(Error error);
  void send(const std::vector<BusMessage>& messages, const std::vector<size_t>& places,
            std::vector<Status>& statuses);

  const KafkaSettings settings_;
  std::mutex mutex_;  ///< Guards all below.
  std::unique_ptr<KafkaClient> client_;
  std::set<std::string> targets_;  ///< Topics that were seen, until something went wrong.
  RecentKeys keys_;
  std::optional<Error> last_error_;  ///< While nobody answers.
  Clock::time_point next_attempt_{};
  Millis pause_;
  Subscribers<KafkaListener> subscribers_{settings_.subscriptions};
};

}  // namespace muster
