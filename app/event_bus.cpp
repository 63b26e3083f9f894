// Opening buses.
#include "app/event_bus.hpp"

#include "http/percent.hpp"

namespace muster::app {
namespace {

/// Until this node was told a profile, or there is none to be told.
constexpr std::chrono::minutes kProfileWait{1};

bool is(const std::string& kind, std::string_view other) {
  return http::equals_ignoring_case(kind, other);
}

bool is_amqp(const std::string& kind) {
  return is(kind, "amqp") || is(kind, "rabbitmq");
}

/// Whether overlay events go to RabbitMQ, once there is a URL.
bool tells_rabbit(const std::string& kind) {
  return kind.empty() || is_amqp(kind);
}

}  // namespace

Result<std::shared_ptr<RabbitBus>> open_rabbit(const config::Config& config, const std::string& exchange,
                                               Millis expects_within) {
  const auto& broker = config.text("broker-url");
  if (broker.empty()) return std::shared_ptr<RabbitBus>{};
  auto url = parse_amqp_url(broker);
  if (!url) return url.error();
  RabbitOptions rabbit;
  rabbit.amqp.url = std::move(*url);
  rabbit.exchange = exchange;
  rabbit.expects_within = expects_within;
  if (const auto& api = config.text("broker-management-url"); !api.empty()) {
    auto management = parse_management_url(api, rabbit.amqp.url);
    if (!management) return management.error();
    rabbit.management = std::move(*management);
  }
  return std::make_shared<RabbitBus>(std::move(rabbit));
}

KafkaSettings kafka_of(const config::Config& config) {
  KafkaSettings kafka;
  kafka.brokers = config.text("kafka-brokers");
  kafka.security_protocol = config.text("kafka-security-protocol");
  kafka.sasl_mechanism = config.text("kafka-sasl-mechanism");
  kafka.user = config.text("kafka-user");
  kafka.password = config.text("kafka-password");
  kafka.ca_file = config.text("kafka-ca");
  kafka.exchange = config.text("amqp-exchange");
  return kafka;
}

Result<Buses> open_buses(const config::Config& config, log::Disk& disk) {
  const auto& kind = config.text("bus-kind");
  const bool kafka = is(kind, "kafka");
  if (!kind.empty() && !is_amqp(kind) && !is(kind, "in-process") && !kafka)
    return Error{"config.invalid", "bus-kind: \"" + kind + "\" is not amqp, kafka or in-process"};
  auto rabbit = open_rabbit(config, tells_rabbit(kind) ? config.text("amqp-exchange") : "",
                            config.flag("node-side") ? kProfileWait : Millis{0});
  if (!rabbit) return rabbit.error();
  if (is_amqp(kind) && !*rabbit)
    return Error{"config.invalid", "bus-kind is " + kind + ", and broker-url (BROKER_URL) is not set"};
  if (kafka && config.text("kafka-brokers").empty())
    return Error{"config.invalid", "bus-kind is " + kind + ", and kafka-brokers (KAFKA_BROKERS) is not set"};
  auto own = MemoryBus::open(disk, config.text("amqp-exchange"));
  if (!own) return own.error();
  Buses buses{std::move(*own), std::move(*rabbit), {}};
  if (kafka) {
    auto bus = make_kafka_bus(kafka_of(config));
    if (!bus) return bus.error();
    buses.overlay = {std::move(*bus), "kafka", true};
    return buses;
  }
  if (buses.rabbit && tells_rabbit(kind))
    buses.overlay = {buses.rabbit, "rabbitmq", true};
  else
    buses.overlay = {buses.own, "in-process", false};
  return buses;
}

}  // namespace muster::app
