// Publishing with confirms, 64 under way: the bus on RabbitMQ, and librabbitmq alone with the same messages,
// in turns.
#include <string>
#include <vector>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <spdlog/spdlog.h>

#include "adapters/amqp_parts.hpp"
#include "adapters/rabbit_bus.hpp"
#include "tests/bench/measure.hpp"

namespace {

constexpr int kTurns = 4, kUnderWay = 64, kAtOnce = 2'000;
constexpr const char* kQueue = "bench";
const std::string kBody(300, 'x');

using muster::amqp::bytes;

void must(bool fine, const char* what) {
  if (!fine) bench::give_up(what);
}

class Alone {
public:
  explicit Alone(int port) : state_(amqp_new_connection()) {
    must(amqp_socket_open(amqp_tcp_socket_new(state_), "127.0.0.1", port) == AMQP_STATUS_OK, "no broker");
    amqp_login(state_, "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    amqp_channel_open(state_, 1);
    amqp_confirm_select(state_, 1);
    must(amqp_get_rpc_reply(state_).reply_type == AMQP_RESPONSE_NORMAL, "no confirms");
  }
  ~Alone() { amqp_destroy_connection(state_); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

  void purge() { amqp_queue_purge(state_, 1, bytes(kQueue)); }

  /// Messages a second.
  double run(double seconds) {
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                        AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_TIMESTAMP_FLAG;
    properties.delivery_mode = 2;
    properties.content_type = bytes("application/json");
    properties.timestamp = 1'800'000'000;
    amqp_table_entry_t header;
    header.key = bytes("x-idempotency-key");
    header.value.kind = AMQP_FIELD_KIND_UTF8;
    properties.headers = {1, &header};
    const double began = bench::now(), end = began + seconds;
    const uint64_t first = tag_;
    while (bench::now() < end || confirmed_ < tag_) {
      if (tag_ - confirmed_ < kUnderWay && bench::now() < end) {
        const std::string id = "alone/" + std::to_string(++tag_);
        properties.message_id = header.value.value.bytes = bytes(id);
        must(amqp_basic_publish(state_, 1, amqp_empty_bytes, bytes(kQueue), 1, 0, &properties,
                                bytes(kBody)) == AMQP_STATUS_OK,
             "cannot publish");
      } else {
        amqp_frame_t frame;
        must(amqp_simple_wait_frame(state_, &frame) == AMQP_STATUS_OK, "no confirm");
        must(frame.payload.method.id == AMQP_BASIC_ACK_METHOD, "not confirmed");
        const auto& ack = *static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
        confirmed_ = ack.multiple != 0 ? ack.delivery_tag : confirmed_ + 1;  // How many, not which.
        amqp_maybe_release_buffers(state_);
      }
    }
    return double(tag_ - first) / (bench::now() - began);
  }

private:
  amqp_connection_state_t state_;
  uint64_t tag_ = 0, confirmed_ = 0;
};

/// Messages a second.
double run(muster::EventBus& bus, double seconds) {
  static uint64_t number = 0;
  const uint64_t first = number;
  const double began = bench::now();
  while (bench::now() < began + seconds) {
    std::vector<muster::BusMessage> messages;
    for (int i = 0; i < kAtOnce; i++)
      messages.push_back({"", kQueue, kBody, "cluster/" + std::to_string(++number), true});
    for (const auto& status : bus.publish_many(messages)) must(bool(status), "not confirmed");
  }
  return double(number - first) / (bench::now() - began);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments given(argc, argv);
  spdlog::set_level(spdlog::level::off);  // Figures only.
  const int port = given.whole("port", 5672);
  const double seconds = given.number("seconds", 5) / kTurns;
  muster::RabbitOptions options;
  options.amqp.url = *muster::parse_amqp_url("amqp://127.0.0.1:" + std::to_string(port));
  muster::RabbitBus bus(options);
  must(bool(bus.ensure_queue({kQueue}, {})), "no queue");
  Alone alone(port);
  double ours = 0, theirs = 0;
  for (int turn = 0; turn < kTurns; turn++) {
    alone.purge();
    theirs += alone.run(seconds) / kTurns;
    alone.purge();
    ours += run(bus, seconds) / kTurns;
  }
  bench::Figures().add("rate", ours).add("reference", theirs).print();
}
