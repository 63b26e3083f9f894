// Overlay events: what the log and the heartbeats say, as messages of the bus (supervisor contract, section
// 13).
#pragma once

#include <optional>
#include <string>

#include "adapters/ports/event_bus.hpp"
#include "domain/nodes.hpp"
#include "events/line.hpp"

namespace muster::app {

/// How they are named, and by whom they are told.
struct OverlayNames {
  std::string exchange, prefix, service;
};

/// Whether a record of this type is told at all.
[[nodiscard]] bool is_overlay(std::string_view type);

/// A committed record; its message id is `cluster/seq`, so that a repetition is known as one. `cluster` is
/// the name as of that record: another one after each restore or recovery.
[[nodiscard]] std::optional<BusMessage> overlay_message(const OverlayNames& names, const Record& record,
                                                        const std::string& cluster);

/// A node was heard: a heartbeat. Telemetry: no message id. Nothing for a registration, which the log tells.
[[nodiscard]] std::optional<BusMessage> overlay_message(const OverlayNames& names,
                                                        const nodes::Command& heard, Time now);

}  // namespace muster::app
