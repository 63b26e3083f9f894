// Opening buses.
#include "app/event_bus.hpp"

#include "adapters/memory_bus.hpp"
#include "adapters/rabbit_bus.hpp"
#include "http/percent.hpp"

namespace muster::app {
namespace {

bool is(const std::string& kind, std::string_view other) {
  return http::equals_ignoring_case(kind, other);
}

bool is_amqp(const std::string& kind) {
  return is(kind, "amqp") || is(kind, "rabbitmq");
}

}  // namespace

Result<std::optional<RabbitOptions>> rabbit_of(const config::Config& config) {
  const auto& kind = config.text("bus-kind");
  const auto& broker = config.text("broker-url");
  if (broker.empty() || !(kind.empty() || is_amqp(kind))) return std::optional<RabbitOptions>{};
  auto url = parse_amqp_url(broker);
  if (!url) return url.error();
  RabbitOptions rabbit;
  rabbit.amqp.url = std::move(*url);
  rabbit.exchange = config.text("amqp-exchange");
  return std::optional{std::move(rabbit)};
}

Result<Buses> open_buses(const config::Config& config, log::Disk& disk) {
  const auto& kind = config.text("bus-kind");
  if (!kind.empty() && !is_amqp(kind) && !is(kind, "in-process"))
    return Error{"config.invalid", "bus-kind: \"" + kind + "\" is not amqp or in-process"};
  auto rabbit = rabbit_of(config);
  if (!rabbit) return rabbit.error();
  if (is_amqp(kind) && !*rabbit)
    return Error{"config.invalid", "bus-kind is " + kind + ", and broker-url (BROKER_URL) is not set"};
  auto own = MemoryBus::open(disk, config.text("amqp-exchange"));
  if (!own) return own.error();
  Buses buses{std::move(*own), {}};
  if (*rabbit)
    buses.overlay = {std::make_shared<RabbitBus>(std::move(**rabbit)), "rabbitmq", true};
  else
    buses.overlay = {buses.own, "in-process", false};
  return buses;
}

}  // namespace muster::app
