// The buses of this node: the one in the process, and the broker that is configured.
#pragma once

#include <memory>
#include <string>

#include "adapters/kafka.hpp"
#include "adapters/memory_bus.hpp"
#include "adapters/ports/event_bus.hpp"
#include "adapters/rabbit_bus.hpp"
#include "app/config/config.hpp"
#include "events/log/disk.hpp"

namespace muster::app {

/// Kafka, as it is configured; without brokers there is none.
KafkaSettings kafka_of(const config::Config& config);

/// RabbitMQ, as it is configured; null: no URL is. `exchange` is that of overlay events, empty where none are
/// told; how long they wait for a profile, RabbitOptions::expects_within. Error: `field.invalid`.
Result<std::shared_ptr<RabbitBus>> open_rabbit(const config::Config& config, const std::string& exchange = "",
                                               Millis expects_within = Millis{0});

/// Where overlay events go.
struct OverlayBus {
  std::shared_ptr<EventBus> bus;
  std::string name;     ///< in-process, rabbitmq or kafka.
  bool shared = false;  ///< Every member would tell it: who leads does.
};
struct Buses {
  /// The one in the process, which keeps on the disk what has to survive a restart.
  std::shared_ptr<MemoryBus> own;
  /// RabbitMQ, when a URL is configured, whatever --bus-kind names; null: none. The profile's part and
  /// overlay events share it, so that no event is told before what the profile wants is there to take it.
  std::shared_ptr<RabbitBus> rabbit;
  OverlayBus overlay;  ///< The configured broker, else the own one.
};
/// Error: `log.unwritable`, `log.corrupt`, `config.invalid` for a kind that this build does not know or that
/// has no URL, and `field.invalid` for a URL that is none.
Result<Buses> open_buses(const config::Config& config, log::Disk& disk);

}  // namespace muster::app
