// The bus of this node that overlay events go to.
#pragma once

#include <memory>

#include "adapters/ports/event_bus.hpp"
#include "app/config/config.hpp"
#include "events/log/disk.hpp"

namespace muster::app {

/// The in-process one, which keeps on `disk` what has to survive a restart; a broker that is configured gets
/// no overlay events yet, which is logged. Error: `log.unwritable`, `log.corrupt`.
Result<std::shared_ptr<Broker>> make_event_bus(const config::Config& config, log::Disk& disk);

}  // namespace muster::app
