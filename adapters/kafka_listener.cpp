// Reading a topic from its end on.
#include "adapters/kafka_listener.hpp"

#include <cassert>
#include <limits>

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include "adapters/kafka_bus.hpp"
#include "adapters/topic.hpp"

namespace muster {
namespace {

constexpr int kLookMs = 1'000;

std::string header_of(const rd_kafka_headers_t* headers, const char* name) {
  const void* value = nullptr;
  size_t size = 0;
  if (headers == nullptr || rd_kafka_header_get_last(headers, name, &value, &size) != 0 || value == nullptr)
    return {};
  return {static_cast<const char*>(value), size};
}

}  // namespace

Result<std::shared_ptr<KafkaListener>> KafkaListener::start(const KafkaSettings& settings,
                                                            std::string pattern,
                                                            EventBus::OnMessage callback) {
  std::shared_ptr<KafkaListener> listener{new KafkaListener(std::move(pattern), std::move(callback))};
  if (auto status = listener->listen(settings); !status) return status.error();
  listener->thread_ = std::thread([raw = listener.get()] { raw->run(); });
  return listener;
}

KafkaListener::~KafkaListener() {
  for (int32_t i = 0; i < partitions_; i++) rd_kafka_consume_stop(topic_, i);
  if (queue_ != nullptr) rd_kafka_queue_destroy(queue_);
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
}

Status KafkaListener::listen(const KafkaSettings& settings) {
  auto made = KafkaClient::make(settings);
  if (!made) return made.error();
  client_ = std::move(*made);
  const auto found = client_->look(settings.exchange);
  if (!found) return found.error();
  if (!*found) return Error{"bus.unknown", "Kafka has no topic \"" + settings.exchange + "\" to listen to"};
  topic_ = rd_kafka_topic_new(client_->handle(), settings.exchange.c_str(), nullptr);
  queue_ = rd_kafka_queue_new(client_->handle());
  const auto count = static_cast<int32_t>((*found)->seen.replicas.size());
  for (; partitions_ < count; partitions_++) {
    // Asked for, rather than "from the end": that would be looked for later than this returns.
    int64_t low = 0, high = 0;
    const auto failed =
      rd_kafka_query_watermark_offsets(client_->handle(), settings.exchange.c_str(), partitions_, &low, &high,
                                       static_cast<int>(settings.connect.count()));
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return client_->error(failed);
    if (rd_kafka_consume_start_queue(topic_, partitions_, high, queue_) != 0)
      return client_->error(rd_kafka_last_error());
  }
  return Done{};
}

void KafkaListener::stop() {
  stopping_ = true;
  rd_kafka_queue_yield(queue_);
  assert(thread_.get_id() != std::this_thread::get_id());
  thread_.join();
}

void KafkaListener::run() {
  while (!stopping_) {
    auto* message = rd_kafka_consume_queue(queue_, kLookMs);
    if (message == nullptr) continue;
    if (!stopping_) take(*message);
    rd_kafka_message_destroy(message);
  }
}

void KafkaListener::take(const rd_kafka_message_s& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    spdlog::warn("a subscription does not go on: {}", client_->error(message.err).detail);
    return;
  }
  rd_kafka_headers_t* headers = nullptr;
  (void)rd_kafka_message_headers(&message, &headers);
  BusMessage got;
  got.topic = header_of(headers, kafka_headers::kTopic);
  if (!topic_matches(pattern_, got.topic)) return;
  got.exchange = rd_kafka_topic_name(message.rkt);
  got.idempotency_key = header_of(headers, kafka_headers::kIdempotencyKey);
  if (message.len > 0) got.body.assign(static_cast<const char*>(message.payload), message.len);
  callback_(got);
}

}  // namespace muster
