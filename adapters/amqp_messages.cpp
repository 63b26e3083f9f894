// Publishing with confirms, many under way, and reading messages.
#include <algorithm>
#include <deque>
#include <utility>

#include <amqp.h>
#include <amqp_framing.h>

#include "adapters/amqp_parts.hpp"
#include "adapters/amqp_session.hpp"

namespace muster {

using amqp::bytes;
using amqp::text;

namespace {

constexpr std::string_view kKeyHeader = "x-idempotency-key";

/// A message that waits for its confirm.
struct Waiting {
  size_t index;  ///< Among those that are published.
  std::chrono::steady_clock::time_point until;
  bool returned = false;
  bool settled = false;
};

std::string key_of(const amqp_basic_properties_t& properties) {
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0)
    for (int i = 0; i < properties.headers.num_entries; i++) {
      const auto& header = properties.headers.entries[i];
      if (text(header.key) == kKeyHeader && header.value.kind == AMQP_FIELD_KIND_UTF8)
        return std::string(text(header.value.value.bytes));
    }
  return (properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 ? std::string(text(properties.message_id))
                                                               : "";
}

}  // namespace

/// What publish() has sent and not heard of: tag `first` is the front of `waiting`.
struct AmqpSession::Flight {
  const std::vector<const BusMessage*>& messages;
  std::vector<Status> statuses;
  uint64_t first = 1;
  std::deque<Waiting> waiting;

  void settle(Waiting& one, Status status) {
    one.settled = true;
    statuses[one.index] = std::move(status);
  }
};

struct AmqpSession::Content {
  std::string key, body;
};

Status AmqpSession::wait_frame(void* frame, Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(until - Clock::now()).count();
  const timeval within{static_cast<time_t>(std::max<int64_t>(left, 0) / 1'000'000),
                       static_cast<suseconds_t>(std::max<int64_t>(left, 0) % 1'000'000)};
  const int status = amqp_simple_wait_frame_noblock(state_, static_cast<amqp_frame_t*>(frame), &within);
  if (status == AMQP_STATUS_OK) return Done{};
  return fail(status);
}

Result<AmqpSession::Content> AmqpSession::read_content(int channel) {
  const auto until = Clock::now() + options_.answer;
  amqp_frame_t frame;
  if (auto status = wait_frame(&frame, until); !status) return status.error();
  if (frame.frame_type != AMQP_FRAME_HEADER || frame.channel != channel ||
      frame.payload.properties.class_id != AMQP_BASIC_CLASS)
    return fail_reply("a message has no header");
  const uint64_t size = frame.payload.properties.body_size;
  if (size > kMaxTaken) return fail_reply("a message has more than " + std::to_string(kMaxTaken) + " bytes");
  Content content;
  content.key = key_of(*static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded));
  while (content.body.size() < size) {
    if (auto status = wait_frame(&frame, until); !status) return status.error();
    if (frame.frame_type != AMQP_FRAME_BODY || frame.channel != channel)
      return fail_reply("a message is cut off");
    content.body += text(frame.payload.body_fragment);
  }
  if (content.body.size() != size) return fail_reply("a message is longer than it said");
  return content;
}

Status AmqpSession::send(const BusMessage& message) {
  amqp_basic_properties_t properties{};
  properties._flags =
    AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_TIMESTAMP_FLAG;
  properties.content_type = bytes("application/json");
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.timestamp = static_cast<uint64_t>(
    std::chrono::duration_cast<std::chrono::seconds>(system_now().time_since_epoch()).count());
  amqp_table_entry_t header;
  if (!message.idempotency_key.empty()) {
    properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_HEADERS_FLAG;
    properties.message_id = bytes(message.idempotency_key);
    header.key = bytes(kKeyHeader);
    header.value.kind = AMQP_FIELD_KIND_UTF8;
    header.value.value.bytes = bytes(message.idempotency_key);
    properties.headers = {1, &header};
  }
  const int status = amqp_basic_publish(state_, amqp::kPublishing, bytes(message.exchange),
                                        bytes(message.topic), 1, 0, &properties, bytes(message.body));
  if (status != AMQP_STATUS_OK) return fail(status);
  next_tag_++;
  return Done{};
}

std::vector<Status> AmqpSession::publish(const std::vector<const BusMessage*>& messages) {
  if (ended_) return std::vector<Status>(messages.size(), *ended_);
  const Error never{"unreachable",
                    options_.url.shown() + ": the connection broke before the message was sent"};
  Flight flight{messages, std::vector<Status>(messages.size(), never), next_tag_, {}};
  Status status = Done{};
  for (size_t next = 0; status && (next < messages.size() || !flight.waiting.empty());) {
    if (next < messages.size() && flight.waiting.size() < options_.in_flight) {
      flight.waiting.push_back({next, Clock::now() + options_.answer});
      status = send(*messages[next++]);
    } else {
      status = settle(flight);
    }
  }
  if (!status) {
    Error lost = status.error();
    lost.outcome_unknown = true;
    for (auto& one : flight.waiting)
      if (!one.settled) flight.settle(one, lost);
    for (auto& each : flight.statuses)  // The unsent ones, in the words of what happened.
      if (!each && each.error() == never) each = Error{status.error().code, status.error().detail};
  }
  return std::move(flight.statuses);
}

Status AmqpSession::settle(Flight& flight) {
  amqp_frame_t frame;
  if (auto status = wait_frame(&frame, flight.waiting.front().until); !status) return status;
  if (auto status = settle_frame(flight, &frame); !status) return status;
  while (!flight.waiting.empty() && flight.waiting.front().settled) {
    flight.waiting.pop_front();
    flight.first++;
  }
  amqp_maybe_release_buffers(state_);
  return Done{};
}

Status AmqpSession::settle_frame(Flight& flight, const void* raw) {
  const auto& frame = *static_cast<const amqp_frame_t*>(raw);
  if (frame.frame_type != AMQP_FRAME_METHOD) return fail_reply("it sent something between two confirms");
  const auto method = frame.payload.method;
  // Those that a confirm is about; an end before the beginning: it is about none that were sent.
  const auto confirmed = [&](uint64_t tag, bool multiple) -> std::pair<size_t, size_t> {
    const uint64_t from = multiple ? flight.first : tag;
    const uint64_t behind = tag == 0 ? next_tag_ : tag + 1;
    if (from < flight.first || behind < from || behind > next_tag_) return {1, 0};
    return {from - flight.first, behind - flight.first};
  };
  std::pair<size_t, size_t> range;
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<const amqp_basic_ack_t*>(method.decoded);
      range = confirmed(ack.delivery_tag, ack.multiple != 0);
      break;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<const amqp_basic_nack_t*>(method.decoded);
      range = confirmed(nack.delivery_tag, nack.multiple != 0);
      break;
    }
    case AMQP_BASIC_RETURN_METHOD: {
      const auto& back = *static_cast<const amqp_basic_return_t*>(method.decoded);
      const std::string exchange(text(back.exchange)), topic(text(back.routing_key));
      const auto content = read_content(frame.channel);
      if (!content) return content.error();
      for (auto& one : flight.waiting) {
        const auto& message = *flight.messages[one.index];
        if (one.settled || one.returned || message.exchange != exchange || message.topic != topic ||
            message.idempotency_key != content->key)
          continue;
        one.returned = true;
        break;
      }
      return Done{};
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      auto refusal = closed(frame.channel, method.decoded);
      if (!refusal) return refusal.error();
      // All that was under way goes with the channel, and nobody says for whose fault.
      if (auto status = ask_for_confirms(); !status) return status;
      Error lost{refusal->code == AMQP_ACCESS_REFUSED ? "backend.refused" : "unreachable",
                 options_.url.shown() + ": the channel was closed: " + refusal->text};
      lost.outcome_unknown = true;
      for (auto& one : flight.waiting)
        if (!one.settled) flight.settle(one, lost);
      flight.waiting.clear();
      flight.first = next_tag_;
      return Done{};
    }
    case AMQP_CONNECTION_CLOSE_METHOD:
      return fail_closed(method.decoded);
    default:
      return fail_reply("it sent something between two confirms");
  }
  if (range.first > range.second) return fail_reply("it confirmed what it never got");
  for (size_t i = range.first; i < range.second; i++) {
    auto& one = flight.waiting[i];
    if (one.settled) continue;
    const auto& message = *flight.messages[one.index];
    if (method.id == AMQP_BASIC_NACK_METHOD)
      flight.settle(one,
                    Error{"unreachable", options_.url.shown() + ": the broker could not keep the message"});
    else if (one.returned && message.required)
      flight.settle(one, Error{"bus.unrouted", "no queue of exchange \"" + message.exchange + "\" takes \"" +
                                                 message.topic + "\""});
    else
      flight.settle(one, Done{});
  }
  return Done{};
}

Result<std::optional<BusMessage>> AmqpSession::take(const std::string& queue) {
  const auto reply = amqp_basic_get(state_, amqp::kAsking, bytes(queue), 0);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL && reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
    return std::optional<BusMessage>{};
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    const auto refusal = answer_of(amqp::kAsking, &reply);
    if (!refusal) return refusal.error();
    if (refusal->code == AMQP_NOT_FOUND) return Error{"bus.unknown", refusal->text};
    return Error{"backend.refused", refusal->text};
  }
  const auto& got = *static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded);
  const uint64_t tag = got.delivery_tag;
  BusMessage message{std::string(text(got.exchange)), std::string(text(got.routing_key))};
  auto content = read_content(amqp::kAsking);
  if (!content) return content.error();
  message.body = std::move(content->body);
  message.idempotency_key = std::move(content->key);
  if (const int status = amqp_basic_ack(state_, amqp::kAsking, tag, 0); status != AMQP_STATUS_OK)
    return fail(status);
  amqp_maybe_release_buffers(state_);
  return std::optional(std::move(message));
}

Status AmqpSession::consume(const std::string& exchange, const std::string& pattern, size_t limit) {
  amqp_table_entry_t most;
  most.key = bytes("x-max-length");
  most.value.kind = AMQP_FIELD_KIND_I64;
  most.value.value.i64 = static_cast<int64_t>(limit);
  const auto done = [&]() -> Status {
    const auto refusal = answer(amqp::kAsking);
    if (!refusal) return refusal.error();
    if (refusal->code == 0) return Done{};
    return Error{refusal->code == AMQP_NOT_FOUND ? "bus.unknown" : "backend.refused", refusal->text};
  };
  const auto* made = amqp_queue_declare(state_, amqp::kAsking, amqp_empty_bytes, 0, 0, 1, 1, {1, &most});
  const std::string queue(made == nullptr ? std::string_view{} : text(made->queue));
  if (auto status = done(); !status) return status;
  amqp_queue_bind(state_, amqp::kAsking, bytes(queue), bytes(exchange), bytes(pattern), amqp_empty_table);
  if (auto status = done(); !status) return status;
  amqp_basic_consume(state_, amqp::kAsking, bytes(queue), amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
  return done();
}

Result<std::optional<BusMessage>> AmqpSession::next(Millis within) {
  amqp_frame_t frame;
  const timeval time{static_cast<time_t>(within.count() / 1000),
                     static_cast<suseconds_t>(within.count() % 1000 * 1000)};
  amqp_maybe_release_buffers(state_);
  const int status = amqp_simple_wait_frame_noblock(state_, &frame, &time);
  if (status == AMQP_STATUS_TIMEOUT) return std::optional<BusMessage>{};
  if (status != AMQP_STATUS_OK) return fail(status);
  if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_DELIVER_METHOD)
    return fail_reply("the subscription has ended");
  const auto& delivery = *static_cast<const amqp_basic_deliver_t*>(frame.payload.method.decoded);
  BusMessage message{std::string(text(delivery.exchange)), std::string(text(delivery.routing_key))};
  auto content = read_content(frame.channel);
  if (!content) return content.error();
  message.body = std::move(content->body);
  message.idempotency_key = std::move(content->key);
  return std::optional(std::move(message));
}

}  // namespace muster
