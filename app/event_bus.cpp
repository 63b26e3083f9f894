// Opening the bus.
#include "app/event_bus.hpp"

#include <spdlog/spdlog.h>

#include "adapters/memory_bus.hpp"

namespace muster::app {

Result<std::shared_ptr<Broker>> make_event_bus(const config::Config& config, log::Disk& disk) {
  if (const auto& kind = config.text("bus-kind"); !kind.empty() && kind != "in-process")
    spdlog::warn("bus-kind={} is not in this build: overlay events stay in the process, no broker gets them",
                 kind);
  auto made = MemoryBus::open(disk, config.text("amqp-exchange"));
  if (!made) return made.error();
  return std::shared_ptr<Broker>{std::move(*made)};
}

}  // namespace muster::app
