// Looking at a topic, making it, and waiting until it can be used.
#include "adapters/kafka_topics.hpp"

#include <algorithm>
#include <array>

#include <librdkafka/rdkafka.h>

namespace muster {
namespace {

using environment::Ask;
using environment::Ensured;
using environment::Outcome;

constexpr Millis kSlice{50};  // Of a wait, between two looks whether it is cancelled.

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Owned<rd_kafka_AdminOptions_t> options_of(rd_kafka_s* handle, rd_kafka_admin_op_t call, Millis left) {
  Owned<rd_kafka_AdminOptions_t> options{rd_kafka_AdminOptions_new(handle, call),
                                         rd_kafka_AdminOptions_destroy};
  const int ms = static_cast<int>(left.count());
  rd_kafka_AdminOptions_set_request_timeout(options.get(), ms, nullptr, 0);
  if (call == RD_KAFKA_ADMIN_OP_CREATETOPICS)  // How long the cluster waits before it answers.
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), ms / 2, nullptr, 0);
  return options;
}

}  // namespace

void KafkaTopics::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (client_) client_->cancel();
  wake_.notify_all();
}

Millis KafkaTopics::left() const {
  return std::max(Millis{0}, std::chrono::duration_cast<Millis>(until_ - Clock::now()));
}

bool KafkaTopics::pause(Millis time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::min(time, left()), [this] { return cancelled_; });
}

Status KafkaTopics::connect() {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return Error{"unreachable", "the call was ended"};
    if (client_) return Done{};
  }
  auto made = KafkaClient::make(settings_);
  if (!made) return made.error();
  const std::lock_guard lock(mutex_);
  client_ = std::move(*made);
  if (cancelled_) client_->cancel();
  return Done{};
}

Result<std::optional<KafkaTopic>> KafkaTopics::look(const std::string& topic) {
  if (left() == Millis{0}) return Error{"unreachable", settings_.brokers + " is too slow"};
  return client_->look(topic);
}

Result<KafkaTopics::Event> KafkaTopics::answer(rd_kafka_queue_s* queue) {
  for (;;) {
    Event event{rd_kafka_queue_poll(queue, static_cast<int>(kSlice.count())), rd_kafka_event_destroy};
    if (event && rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
      return client_->error(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
    if (event) return event;
    if (left() == Millis{0}) return client_->error(RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (!pause(Millis{0})) return Error{"unreachable", "the call was ended"};
  }
}

/// False: somebody was quicker.
Result<bool> KafkaTopics::create(const profile::Topic& topic, bool dry_run) {
  auto* handle = client_->handle();
  char why[256] = "";
  const Owned<rd_kafka_NewTopic_t> wanted{
    rd_kafka_NewTopic_new(topic.name.c_str(), static_cast<int>(topic.partitions),
                          static_cast<int>(topic.replication), why, sizeof why),
    rd_kafka_NewTopic_destroy};
  if (!wanted) return Error{"field.invalid", why};
  for (const auto& [key, value] : topic.config)
    rd_kafka_NewTopic_set_config(wanted.get(), key.c_str(), value.c_str());
  const auto options = options_of(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, left());
  rd_kafka_AdminOptions_set_validate_only(options.get(), dry_run ? 1 : 0, nullptr, 0);
  const Owned<rd_kafka_queue_t> queue{rd_kafka_queue_new(handle), rd_kafka_queue_destroy};
  std::array all{wanted.get()};
  rd_kafka_CreateTopics(handle, all.data(), all.size(), options.get(), queue.get());
  const auto answered = answer(queue.get());
  if (!answered) return answered.error();
  size_t count = 0;
  const auto* results = rd_kafka_event_CreateTopics_result(answered->get());
  const auto* const* told = results ? rd_kafka_CreateTopics_result_topics(results, &count) : nullptr;
  if (count != 1 || rd_kafka_topic_result_name(told[0]) != topic.name)
    return client_->error(RD_KAFKA_RESP_ERR__BAD_MSG, "the answer is of another topic");
  const auto code = rd_kafka_topic_result_error(told[0]);
  if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return false;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  const char* words = rd_kafka_topic_result_error_string(told[0]);
  return client_->error(code, words == nullptr ? "" : words);
}

Status KafkaTopics::read_config(const profile::Topic& topic, topics::Seen& seen) {
  auto* handle = client_->handle();
  const Owned<rd_kafka_ConfigResource_t> asked{
    rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name.c_str()),
    rd_kafka_ConfigResource_destroy};
  const auto options = options_of(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, left());
  const Owned<rd_kafka_queue_t> queue{rd_kafka_queue_new(handle), rd_kafka_queue_destroy};
  std::array all{asked.get()};
  rd_kafka_DescribeConfigs(handle, all.data(), all.size(), options.get(), queue.get());
  const auto answered = answer(queue.get());
  if (!answered) return answered.error();
  size_t count = 0;
  const auto* results = rd_kafka_event_DescribeConfigs_result(answered->get());
  const auto* const* told = results ? rd_kafka_DescribeConfigs_result_resources(results, &count) : nullptr;
  if (count != 1 || rd_kafka_ConfigResource_name(told[0]) != topic.name)
    return client_->error(RD_KAFKA_RESP_ERR__BAD_MSG, "the answer is of another topic");
  if (const auto code = rd_kafka_ConfigResource_error(told[0]); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* words = rd_kafka_ConfigResource_error_string(told[0]);
    return client_->error(code, words == nullptr ? "" : words);
  }
  const auto* const* entries = rd_kafka_ConfigResource_configs(told[0], &count);
  for (size_t i = 0; i < count; i++) {
    const std::string name = rd_kafka_ConfigEntry_name(entries[i]);
    const auto wanted = topic.config.find(name);
    if (wanted == topic.config.end()) continue;
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value == nullptr)
      seen.config[name] = std::nullopt;
    else  // Another one is only told.
      seen.config[name] = wanted->second == value ? value : client_->clean(value);
  }
  return Done{};
}

Status KafkaTopics::wait_for_leaders(const std::string& topic) {
  for (auto wait = kSlice; pause(wait) && left() > Millis{0}; wait *= 2) {
    const auto seen = look(topic);
    if (!seen) return seen.error();
    if (*seen && (*seen)->led) return Done{};
  }
  return Error{"unreachable", "topic \"" + topic + "\" was made, and has no leaders yet"};
}

Result<Ensured> KafkaTopics::ensure_topic(const profile::Topic& topic, const Ask& ask) {
  if (auto status = topics::check(topic); !status) return status.error();
  until_ = Clock::now() + settings_.answer;
  if (auto status = connect(); !status) return status.error();
  auto seen = look(topic.name);
  if (!seen) return seen.error();
  if (!*seen) {
    const auto made = create(topic, ask.dry_run);
    if (!made) return made.error();
    if (*made && !ask.dry_run)
      if (auto status = wait_for_leaders(topic.name); !status) return status.error();
    if (*made)
      return Ensured{Outcome::changed, ask.dry_run ? "the topic would be made" : "the topic was made",
                     to_json(topic)};
    seen = look(topic.name);
    if (!seen) return seen.error();
    if (!*seen) return Error{"unreachable", "topic \"" + topic.name + "\" is being made by somebody else"};
  }
  if (!topic.config.empty())
    if (auto status = read_config(topic, (*seen)->seen); !status) return status.error();
  return topics::compare(topic, (*seen)->seen);
}

}  // namespace muster
