// Setting up librdkafka, asking for topics, and putting its errors into words.
#include "adapters/kafka_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <future>

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include "base/redact.hpp"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPollMs = 1'000;
constexpr std::chrono::seconds kGoodbye{3};  // To end it.
constexpr size_t kMaxWords = 300;            // Bytes of what a cluster says that are repeated.
constexpr size_t kMaxReply = 16 << 20;       // Bytes.
constexpr size_t kMaxFetch = 4 << 20;        // Bytes that are fetched at once.
constexpr size_t kMaxQueuedKib = 64 << 10;   // Of messages that were not sent yet.
constexpr size_t kHeaderRoom = 4'096;        // Bytes that a message has beside its body.

using Properties = std::vector<std::pair<const char*, std::string>>;

std::string number(int64_t n) {
  return std::to_string(n);
}

/// Nothing is ever made by looking; whoever is away is looked for twice a second.
Properties common(const KafkaSettings& settings) {
  return {{"bootstrap.servers", settings.brokers},
          {"client.id", "muster"},
          {"allow.auto.create.topics", "false"},
          {"socket.timeout.ms", number(settings.answer.count())},
          {"socket.connection.setup.timeout.ms", number(std::max<int64_t>(settings.connect.count(), 1'000))},
          {"reconnect.backoff.ms", "50"},
          {"reconnect.backoff.max.ms", "500"},
          {"receive.message.max.bytes", number(kMaxReply)},
          {"log.connection.close", "false"}};
}

void add_security(Properties& properties, const KafkaSettings& settings) {
  auto protocol = settings.security_protocol;
  std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  properties.emplace_back("security.protocol", protocol);
  if (protocol.ends_with("ssl")) properties.emplace_back("ssl.endpoint.identification.algorithm", "https");
  if (protocol.ends_with("ssl") && !settings.ca_file.empty())
    properties.emplace_back("ssl.ca.location", settings.ca_file);
  if (!protocol.starts_with("sasl")) return;
  properties.emplace_back("sasl.mechanism", settings.sasl_mechanism);
  properties.emplace_back("sasl.username", settings.user);
  properties.emplace_back("sasl.password", settings.password);
}

/// Every copy that is to be is confirmed, and a message that is sent again is there once, in its place.
void add_sending(Properties& properties, const KafkaSettings& settings) {
  properties.insert(properties.end(), {{"acks", "all"},
                                       {"enable.idempotence", "true"},
                                       {"message.timeout.ms", number(settings.answer.count())},
                                       {"message.max.bytes", number(settings.message_bytes + kHeaderRoom)},
                                       {"queue.buffering.max.messages", number(settings.queued_messages)},
                                       {"queue.buffering.max.kbytes", number(kMaxQueuedKib)},
                                       {"linger.ms", "1"}});
}

/// A topic that is made anew is heard from its beginning.
void add_listening(Properties& properties) {
  properties.insert(properties.end(), {{"auto.offset.reset", "earliest"},
                                       {"fetch.max.bytes", number(kMaxFetch)},
                                       {"queued.max.messages.kbytes", number(kMaxFetch / 1024)}});
}

constexpr std::array kNobody{RD_KAFKA_RESP_ERR__TRANSPORT,        RD_KAFKA_RESP_ERR__TIMED_OUT,
                             RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,    RD_KAFKA_RESP_ERR__RESOLVE,
                             RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE};

bool is_silence(int code) {
  return std::find(kNobody.begin(), kNobody.end(), code) != kNobody.end();
}

const char* code_of(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__SSL:
      return "tls.untrusted";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      return "backend.refused";
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:  // The name was looked at here: it meets another one.
      return "backend.conflict";
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return "backend.throttled";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return "bus.limit";
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return "bus.unknown";
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__UNDERFLOW:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return "backend.reply";
    default:  // Leaders and controllers that move, copies that are missing, and whatever else time may mend.
      return "unreachable";
  }
}

KafkaTopic read_topic(const rd_kafka_metadata_topic& topic) {
  KafkaTopic read;
  for (int i = 0; i < topic.partition_cnt; i++) {
    const auto& partition = topic.partitions[i];
    read.seen.replicas.push_back(partition.replica_cnt);
    read.led = read.led && partition.leader >= 0;
  }
  read.led = read.led && topic.partition_cnt > 0;
  return read;
}

}  // namespace

Result<std::unique_ptr<KafkaClient>> KafkaClient::make(const KafkaSettings& settings, Reported reported) {
  std::unique_ptr<KafkaClient> made{new KafkaClient(settings)};
  auto properties = common(settings);
  add_security(properties, settings);
  reported != nullptr ? add_sending(properties, settings) : add_listening(properties);
  auto* conf = rd_kafka_conf_new();
  char why[512] = "";
  for (const auto& [name, value] : properties)
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return Error{"config.invalid", made->clean(why)};
    }
  rd_kafka_conf_set_opaque(conf, made.get());
  rd_kafka_conf_set_error_cb(conf, noted);
  // What it would log is told as an error, or mends itself.
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  if (reported != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, reported);
  const auto type = reported != nullptr ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  made->handle_ = rd_kafka_new(type, conf, why, sizeof why);
  if (made->handle_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    const bool ca = std::string_view(why).find("ssl.") != std::string_view::npos;
    return Error{ca ? "tls.untrusted" : "config.invalid", made->clean(why)};
  }
  made->main_ = rd_kafka_queue_get_main(made->handle_);
  made->poller_ = std::thread([client = made.get()] {
    while (!client->stopping_) rd_kafka_poll(client->handle_, kPollMs);
  });
  return made;
}

KafkaClient::~KafkaClient() {
  if (handle_ == nullptr) return;
  stopping_ = true;
  rd_kafka_queue_yield(main_);
  poller_.join();
  rd_kafka_queue_destroy(main_);
  std::promise<void> ended;
  auto end = ended.get_future();
  std::thread([handle = handle_, ended = std::move(ended)]() mutable {
    rd_kafka_destroy(handle);
    ended.set_value();
  }).detach();
  if (end.wait_for(kGoodbye) != std::future_status::ready)
    spdlog::warn("Kafka's library does not let go of {}: it is left to itself", settings_.brokers);
}

void KafkaClient::noted(rd_kafka_s*, int code, const char* reason, void* self) {
  auto& client = *static_cast<KafkaClient*>(self);
  const std::lock_guard lock(client.mutex_);
  // The library has another code for a certificate that came as soon as it said hello.
  const bool untrusted = std::string_view(reason).find("certificate verify failed") != std::string_view::npos;
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    client.all_down_ = true;
  else
    client.cause_.emplace(untrusted ? RD_KAFKA_RESP_ERR__SSL : code, reason);
}

Result<std::optional<KafkaTopic>> KafkaClient::look(const std::string& topic) {
  auto* asked = rd_kafka_topic_new(handle_, topic.c_str(), nullptr);
  if (asked == nullptr) return error(rd_kafka_last_error());
  all_down_ = false;
  const rd_kafka_metadata_t* metadata = nullptr;
  auto failed = RD_KAFKA_RESP_ERR__TIMED_OUT;
  const auto until = Clock::now() + settings_.connect;
  // A call cannot be interrupted: the first ones are short. One that was answered is not repeated.
  for (auto wait = settings_.connect / 12; is_silence(failed); wait = std::min(wait * 2, settings_.connect)) {
    const auto left = std::chrono::duration_cast<Millis>(until - Clock::now());
    if (left.count() <= 0 || cancelled_ || all_down_) break;
    const auto most = wait * 3 > left ? left : wait;
    failed = rd_kafka_metadata(handle_, 0, asked, &metadata, static_cast<int>(most.count()));
  }
  rd_kafka_topic_destroy(asked);
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return error(failed);
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> kept{
    metadata, rd_kafka_metadata_destroy};
  {
    const std::lock_guard lock(mutex_);
    cause_.reset();
  }
  if (metadata->topic_cnt != 1 || metadata->topics[0].topic != topic)
    return error(RD_KAFKA_RESP_ERR__BAD_MSG, "the answer is of another topic");
  const auto& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return std::optional<KafkaTopic>{};
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR && found.err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    return error(found.err);
  return std::optional{read_topic(found)};
}

Error KafkaClient::error(int code, std::string_view text) const {
  std::string words{text};
  if (is_silence(code)) {
    const std::lock_guard lock(mutex_);
    if (cause_) {
      code = cause_->first;
      words = cause_->second;
    }
  }
  if (words.empty()) words = rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code));
  return {code_of(code), settings_.brokers + ": " + clean(words)};
}

bool KafkaClient::is_lost() const {
  return rd_kafka_fatal_error(handle_, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::string KafkaClient::clean(std::string_view said) const {
  auto text = redacted(said, settings_.password, kMaxWords + 1);
  std::replace_if(
    text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  std::replace_if(
    text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  if (text.size() > kMaxWords) text = text.substr(0, kMaxWords) + "...";
  return text;
}

}  // namespace muster
