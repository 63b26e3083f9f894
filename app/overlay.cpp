// Building overlay events.
#include "app/overlay.hpp"

#include <algorithm>
#include <array>

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
  std::string node_id, component, action, status;
  std::optional<std::string> message;
  std::string generation;
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

/// Writes each field, empty ones too: whoever reads counts on them. An optional may be left out.
class WholeWriter {
public:
  explicit WholeWriter(std::string& out) : out_(out) {}

  template <class T>
  void operator()(const char* name, const T& value) {
    out_ += out_.size() > 1 ? ",\"" : "\"";
    out_ += name;
    out_ += "\":";
    FieldWriter{out_}.put(value);
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value) (*this)(name, *value);
  }

private:
  std::string& out_;
};

template <class T>
std::string whole(const T& value) {
  std::string out = "{";
  T::fields(value, WholeWriter{out});
  return out + "}";
}

/// Closes the body with what every overlay event says: ts, service, v.
BusMessage message(const OverlayNames& names, std::string_view name, std::string body, Time at,
                   std::string id) {
  body.pop_back();
  body += ",\"ts\":\"";
  body += to_rfc3339(at) + "\",\"service\":\"" + names.service + "\",\"v\":1}";
  return {names.exchange, names.prefix + "." + std::string(name), std::move(body), std::move(id)};
}

}  // namespace

bool is_overlay(std::string_view type) {
  static constexpr std::array kTypes{nodes::Registered::type, plans::Issued::type, lease::Granted::type,
                                     lease::Moved::type, bootstrap::Reported::type};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

std::optional<BusMessage> overlay_message(const OverlayNames& names, const Record& record,
                                          const std::string& cluster) {
  using Made = std::optional<BusMessage>;
  const auto told = [&](std::string_view name, std::string body) -> Made {
    return message(names, name, std::move(body), record.envelope.time,
                   cluster + "/" + std::to_string(record.seq));
  };
  return match(record.event)(
    [&](const nodes::Registered& e) {
      return told("register", whole(Register{e.node, e.caps.text.empty() ? RawJson{"{}"} : e.caps}));
    },
    [&](const plans::Issued& e) {
      return told("plan", whole(Plan{e.node, e.role, e.services, e.epoch}));
    },
    [&](const lease::Granted& e) {
      return told("leader", whole(Leader{e.url, e.epoch}));
    },
    [&](const lease::Moved& e) {
      return told("leader", whole(Leader{e.url, record.envelope.epoch}));
    },
    [&](const bootstrap::Reported& e) {
      const auto ending = e.status == "error" ? ".error" : ".ok";
      return told("bootstrap." + e.component + ending,
                  whole(Report{e.node, e.component, e.action, e.status,
                               e.message.empty() ? std::nullopt : std::optional{e.message}, e.generation}));
    },
    [](const auto&) -> Made { return std::nullopt; });
}

std::optional<BusMessage> overlay_message(const OverlayNames& names, const nodes::Command& heard, Time now) {
  const auto* beat = std::get_if<nodes::Heartbeat>(&heard);
  if (!beat) return std::nullopt;
  const auto& r = beat->report;
  return message(names, "heartbeat", whole(Beat{r.node, r.role, r.services_running, r.versions}), now, "");
}

}  // namespace muster::app
