// Building and publishing overlay events.
#include "app/overlay.hpp"

#include <algorithm>
#include <iterator>

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

Overlay::Overlay(std::shared_ptr<EventBus> bus, std::string prefix, std::string service)
  : bus_(std::move(bus)),
    prefix_(std::move(prefix)),
    service_(std::move(service)),
    thread_([this] { live(); }) {}

Overlay::~Overlay() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

/// Closes the body with what every overlay event says: ts, service, v.
void Overlay::publish(std::string_view name, std::string body, Time at, std::string_view id) {
  body.pop_back();
  body += body.size() > 1 ? ",\"ts\":\"" : "\"ts\":\"";
  body += to_rfc3339(at) + "\",\"service\":\"" + service_ + "\",\"v\":1}";
  BusMessage message{bus_->exchange(), prefix_ + "." + std::string(name), std::move(body), std::string(id)};
  {
    const std::lock_guard lock{mutex_};
    bytes_ += message.body.size();
    waiting_.push_back(std::move(message));
    for (; waiting_.size() > kMostWaiting || bytes_ > kMostBytes; given_up_++) {
      bytes_ -= waiting_.front().body.size();
      waiting_.pop_front();
    }
  }
  wake_.notify_one();
}

/// Many go together: the bus syncs once for them.
void Overlay::live() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto end = waiting_.begin() + static_cast<ptrdiff_t>(std::min(kAtOnce, waiting_.size()));
    const std::vector<BusMessage> messages{std::make_move_iterator(waiting_.begin()),
                                           std::make_move_iterator(end)};
    waiting_.erase(waiting_.begin(), end);
    for (const auto& message : messages) bytes_ -= message.body.size();
    const auto given_up = std::exchange(given_up_, 0);
    lock.unlock();
    if (given_up > 0) spdlog::warn("bus messages={} given up: it takes them too slowly", given_up);
    const auto told = bus_->publish_many(messages);
    const auto failed = std::find_if(told.begin(), told.end(), [](const Status& one) { return !one; });
    if (failed != told.end())
      spdlog::warn("bus event={} error={}", messages[static_cast<size_t>(failed - told.begin())].topic,
                   failed->error().detail);
    lock.lock();
  }
}

void Overlay::tell(const Record& record, const std::string& cluster) {
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

void Overlay::heard(const nodes::Command& command, Time now) {
  if (!bus_->wanted()) return;
  if (const auto* beat = std::get_if<nodes::Heartbeat>(&command)) {
    const auto& r = beat->report;
    publish("heartbeat", to_json_text(Beat{r.node, r.role, r.services_running, r.versions}), now, "");
  }
}

}  // namespace muster::app
