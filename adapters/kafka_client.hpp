// One client of a Kafka cluster: its settings, its thread, and what librdkafka says in the words of the
// ports.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/kafka.hpp"
#include "domain/topic_rules.hpp"

struct rd_kafka_s;
struct rd_kafka_message_s;
struct rd_kafka_queue_s;

namespace muster {

/// What the cluster says of one topic.
struct KafkaTopic {
  topics::Seen seen;
  bool led = true;  ///< Each of its partitions has a leader.
};

/// Looks for brokers from then on, in threads of its own, until it is destroyed. Safe from every thread.
class KafkaClient {
public:
  using Reported = void (*)(rd_kafka_s*, const rd_kafka_message_s*, void*);

  /// One that sends, or, without `reported`, that listens and manages topics. Error: `tls.untrusted`
  /// when the CA cannot be read, `config.invalid`.
  static Result<std::unique_ptr<KafkaClient>> make(const KafkaSettings& settings,
                                                   Reported reported = nullptr);
  ~KafkaClient();

  [[nodiscard]] rd_kafka_s* handle() const { return handle_; }

  /// A topic as the cluster has it; nothing: there is none, and none is made. In the time to connect.
  Result<std::optional<KafkaTopic>> look(const std::string& topic);

  /// An error of librdkafka's, `rd_kafka_resp_err_t`, with what else is known of why.
  [[nodiscard]] Error error(int code, std::string_view text = {}) const;
  /// One short line of ASCII of what a cluster said, without the password, which it may repeat.
  [[nodiscard]] std::string clean(std::string_view said) const;
  /// It can do nothing any more, and another one has to be made.
  [[nodiscard]] bool is_lost() const;

  /// Ends a look that runs, and every later one.
  void cancel() { cancelled_ = true; }

private:
  explicit KafkaClient(const KafkaSettings& settings) : settings_(settings) {}
  static void noted(rd_kafka_s*, int code, const char* reason, void* self);

  const KafkaSettings settings_;
  rd_kafka_s* handle_ = nullptr;
  rd_kafka_queue_s* main_ = nullptr;
  std::atomic<bool> stopping_{false}, cancelled_{false};
  std::atomic<bool> all_down_{false};  ///< Since the look began.
  mutable std::mutex mutex_;
  std::optional<std::pair<int, std::string>> cause_;  ///< What was said last of why nobody answers.
  std::thread poller_;
};

}  // namespace muster
