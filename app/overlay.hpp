// Overlay events: what the log and the heartbeats say, told on the bus (supervisor contract, section 13).
#pragma once

#include <memory>
#include <string>

#include "adapters/ports/event_bus.hpp"
#include "domain/nodes.hpp"
#include "events/line.hpp"

namespace muster::app {

class Overlay {
public:
  Overlay(std::shared_ptr<EventBus> bus, std::string prefix, std::string service)
    : bus_(std::move(bus)), prefix_(std::move(prefix)), service_(std::move(service)) {}

  /// A committed record; its message id is `cluster/seq`, so that a repetition is known as one.
  void tell(const Record& record, const std::string& cluster) const;
  /// A node was heard: a heartbeat, or a registration that changed nothing. Telemetry: no message id.
  void heard(const nodes::Command& command, Time now) const;

private:
  void publish(std::string_view name, std::string body, Time at, std::string_view id) const;
  std::shared_ptr<EventBus> bus_;
  std::string prefix_, service_;
};

}  // namespace muster::app
