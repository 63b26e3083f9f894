// Building and publishing overlay events.
#include "app/overlay.hpp"

#include <spdlog/spdlog.h>

namespace muster::app {
namespace {

/// The members of an event's data under the names that the overlay uses.
struct Register {
  std::string node_id;
  RawJson caps;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("caps", self.caps);
  }
};

struct Beat {
  std::string node_id, role;
  std::vector<std::string> services_running;
  StringMap versions;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("role", self.role);
    visit("services_running", self.services_running);
    visit("versions", self.versions);
  }
};

struct Plan {
  std::string node_id, role;
  std::vector<std::string> services;
  uint64_t epoch = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("role", self.role);
    visit("services", self.services);
    visit("epoch", self.epoch);
  }
};

struct Leader {
  std::string leader_url;
  uint64_t epoch = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("leader_url", self.leader_url);
    visit("epoch", self.epoch);
  }
};

struct Report {
  std::string node_id, component, action, status, message, generation;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("component", self.component);
    visit("action", self.action);
    visit("status", self.status);
    visit("message", self.message);
    visit("generation", self.generation);
  }
};

}  // namespace

/// Closes the body with what every overlay event says: ts, service, v.
void Overlay::publish(std::string_view name, std::string body, Time at, std::string_view id) const {
  body.pop_back();
  body += body.size() > 1 ? ",\"ts\":\"" : "\"ts\":\"";
  body += to_rfc3339(at) + "\",\"service\":\"" + service_ + "\",\"v\":1}";
  if (auto status = bus_->publish(prefix_ + "." + std::string(name), body, id); !status)
    spdlog::warn("bus event={} error={}", name, status.error().detail);
}

void Overlay::tell(const Record& record, const std::string& cluster) const {
  if (!bus_->wanted()) return;
  const auto id = cluster + "/" + std::to_string(record.seq);
  const auto at = record.envelope.time;
  match(record.event)(
    [&](const nodes::Registered& e) {
      publish("register", to_json_text(Register{e.node, e.caps}), at, id);
    },
    [&](const plans::Issued& e) {
      publish("plan", to_json_text(Plan{e.node, e.role, e.services, e.epoch}), at, id);
    },
    [&](const lease::Granted& e) {
      publish("leader", to_json_text(Leader{e.url, e.epoch}), at, id);
    },
    [&](const lease::Moved& e) {
      publish("leader", to_json_text(Leader{e.url, record.envelope.epoch}), at, id);
    },
    [&](const bootstrap::Reported& e) {
      const auto ending = e.status == "error" ? ".error" : ".ok";
      publish("bootstrap." + e.component + ending,
              to_json_text(Report{e.node, e.component, e.action, e.status, e.message, e.generation}), at, id);
    },
    [](const auto&) {});
}

void Overlay::heard(const nodes::Command& command, Time now) const {
  if (!bus_->wanted()) return;
  if (const auto* beat = std::get_if<nodes::Heartbeat>(&command)) {
    const auto& r = beat->report;
    publish("heartbeat", to_json_text(Beat{r.node, r.role, r.services_running, r.versions}), now, "");
  }
}

}  // namespace muster::app
