// Sending, and waiting for what the cluster says of each message.
#include "adapters/kafka_bus.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include "adapters/kafka_listener.hpp"
#include "base/chance.hpp"
#include "domain/broker_rules.hpp"
#include "domain/topic_rules.hpp"

namespace muster {
namespace {

constexpr Millis kMoment{1};

/// Messages that were given to librdkafka and not reported yet.
struct UnderWay {
  std::mutex mutex;
  std::condition_variable reported;
  size_t left = 0;
  bool silent = false;  ///< Nobody answered for one of them.
};

struct Sent {
  UnderWay* all = nullptr;
  int code = RD_KAFKA_RESP_ERR_NO_ERROR;
};

/// On the client's thread.
void report(rd_kafka_s*, const rd_kafka_message_s* message, void*) {
  auto& sent = *static_cast<Sent*>(message->_private);
  auto& all = *sent.all;
  const std::lock_guard lock(all.mutex);
  sent.code = message->err;
  all.silent = all.silent || message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
  all.left--;
  all.reported.notify_all();
}

/// The message is not copied: whoever calls waits for its report.
int give(rd_kafka_s* handle, const BusMessage& message, Sent& sent) {
  auto* headers = rd_kafka_headers_new(4);
  const auto add = [&](const char* name, const std::string& value) {
    rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size()));
  };
  add(kafka_headers::kTopic, message.topic);
  if (!message.idempotency_key.empty()) {
    add(kafka_headers::kMessageId, message.idempotency_key);
    add(kafka_headers::kIdempotencyKey, message.idempotency_key);
  }
  add("content-type", "application/json");
  std::array<rd_kafka_vu_t, 4> parts{};
  parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  parts[0].u.cstr = message.exchange.c_str();
  parts[1].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[1].u.mem.ptr = const_cast<char*>(message.body.data());
  parts[1].u.mem.size = message.body.size();
  parts[2].vtype = RD_KAFKA_VTYPE_HEADERS;
  parts[2].u.headers = headers;
  parts[3].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[3].u.ptr = &sent;
  auto* refused = rd_kafka_produceva(handle, parts.data(), parts.size());
  if (refused == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const int code = rd_kafka_error_code(refused);
  rd_kafka_error_destroy(refused);
  rd_kafka_headers_destroy(headers);
  return code;
}

}  // namespace

KafkaBus::KafkaBus(KafkaSettings settings)
  : settings_(std::move(settings)), keys_(settings_.remembered_keys), pause_(settings_.first_retry) {}

KafkaBus::~KafkaBus() = default;

Status KafkaBus::connect() {
  if (last_error_ && Clock::now() < next_attempt_) return *last_error_;
  if (client_ && client_->is_lost()) {
    client_.reset();
    targets_.clear();
  }
  if (client_) return Done{};
  auto made = KafkaClient::make(settings_, report);
  if (!made) {
    broke(made.error());
    return made.error();
  }
  client_ = std::move(*made);
  return Done{};
}

void KafkaBus::broke(Error error) {
  if (!last_error_) spdlog::warn("Kafka cannot be used: {}", error.detail);
  // Who may not enter is not helped by knocking often.
  const bool unwelcome = error.code == "backend.refused" || error.code == "tls.untrusted";
  next_attempt_ = Clock::now() + jittered(unwelcome ? settings_.longest_retry : pause_);
  pause_ = std::min(pause_ * 2, settings_.longest_retry);
  targets_.clear();
  last_error_ = std::move(error);
}

Status KafkaBus::find_target(const std::string& exchange) {
  if (targets_.contains(exchange)) return Done{};
  const Error unknown{"bus.unknown", "Kafka has no topic \"" + exchange +
                                       "\": the profile's topics can name it, so that it is made"};
  if (!topics::name_fault(exchange).empty()) return unknown;
  if (auto status = connect(); !status) return status;
  const auto found = client_->look(exchange);
  if (!found && found.error().code == "backend.refused" && !last_error_)
    return found.error();  // Of this one.
  if (!found) {
    broke(found.error());
    return found.error();
  }
  if (last_error_) spdlog::info("Kafka answers again");
  last_error_.reset();
  pause_ = settings_.first_retry;
  if (!*found) return unknown;
  targets_.insert(exchange);
  return Done{};
}

std::vector<Status> KafkaBus::publish_many(const std::vector<BusMessage>& messages) {
  const std::lock_guard lock(mutex_);
  if (client_ && client_->is_lost()) targets_.clear();  // So that another one is made.
  std::vector<Status> statuses(messages.size(), Done{});
  std::vector<size_t> places;                    // Of what is sent, among all.
  std::map<std::string_view, size_t> first;      // Where a key of this call is sent.
  std::vector<std::pair<size_t, size_t>> again;  // And what goes with it.
  for (size_t i = 0; i < messages.size(); i++) {
    const auto& message = messages[i];
    statuses[i] = broker::check_message(message.topic, message.idempotency_key, message.body.size(),
                                        settings_.message_bytes);
    if (!statuses[i] || keys_.knows(message.idempotency_key)) continue;
    statuses[i] = find_target(message.exchange);
    if (!statuses[i]) continue;
    if (!message.idempotency_key.empty())
      if (const auto [found, added] = first.emplace(message.idempotency_key, i); !added) {
        again.emplace_back(i, found->second);
        continue;
      }
    places.push_back(i);
  }
  if (!places.empty()) send(messages, places, statuses);
  for (const size_t place : places) {
    if (!statuses[place]) continue;
    keys_.add(messages[place].idempotency_key);
    keys_.forget_beyond_limit();
  }
  for (const auto& [copy, original] : again) statuses[copy] = statuses[original];
  return statuses;
}

void KafkaBus::send(const std::vector<BusMessage>& messages, const std::vector<size_t>& places,
                    std::vector<Status>& statuses) {
  UnderWay all;
  std::vector<Sent> sent(places.size(), Sent{&all});
  const auto until = Clock::now() + settings_.answer;
  std::unique_lock lock(all.mutex);
  for (size_t i = 0; i < places.size(); i++) {
    for (;;) {
      if (all.silent || Clock::now() >= until) {
        sent[i].code = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
        break;
      }
      all.left++;
      lock.unlock();
      const int code = give(client_->handle(), messages[places[i]], sent[i]);
      lock.lock();
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      all.left--;
      sent[i].code = code;
      if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) break;
      const size_t before = all.left;
      // A message leaves the queue a little after it was reported; of the last one nobody says so.
      const auto next = before > 0 ? until : std::min(until, Clock::now() + kMoment);
      all.reported.wait_until(lock, next, [&] { return all.left < before; });
    }
  }
  const auto none_left = [&] { return all.left == 0; };
  if (!all.reported.wait_until(lock, until + settings_.connect, none_left)) {
    lock.unlock();
    rd_kafka_purge(client_->handle(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    lock.lock();
    all.reported.wait(lock, none_left);
  }
  for (size_t i = 0; i < places.size(); i++) {
    if (sent[i].code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const auto error = client_->error(sent[i].code);
    if (error.code == "bus.unknown") targets_.erase(messages[places[i]].exchange);
    statuses[places[i]] = error;
  }
  if (all.silent) broke(client_->error(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT));
}

Result<std::unique_ptr<Subscription>> KafkaBus::subscribe(std::string_view pattern, OnMessage callback) {
  const std::lock_guard lock(mutex_);
  return subscribers_.add(
    pattern, [&] { return KafkaListener::start(settings_, std::string(pattern), std::move(callback)); });
}

}  // namespace muster
