// What happens to registered nodes. Liveness is a transition: a heartbeat that changes nothing is no event.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "events/fields.hpp"

namespace muster::nodes {

/// A node registered, or registered again with another record: this record replaces the one before.
struct Registered {
  static constexpr std::string_view type = "node.registered";
  std::string node, host, ip, node_class, version, address;
  std::vector<std::string> features;
  StringMap versions, labels;
  RawJson caps, meta;

  [[nodiscard]] std::string stream() const { return "node/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("host", self.host);
    visit("ip", self.ip);
    visit("class", self.node_class);
    visit("version", self.version);
    visit("address", self.address);
    visit("features", self.features);
    visit("versions", self.versions);
    visit("labels", self.labels);
    visit("caps", self.caps);
    visit("meta", self.meta);
  }
  bool operator==(const Registered&) const = default;
};

/// A heartbeat told something new: the first one after a registration, another role, other services or
/// versions.
struct Changed {
  static constexpr std::string_view type = "node.changed";
  std::string node, role;
  std::vector<std::string> services_running;
  StringMap versions;

  [[nodiscard]] std::string stream() const { return "node/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("role", self.role);
    visit("services_running", self.services_running);
    visit("versions", self.versions);
  }
  bool operator==(const Changed&) const = default;
};

/// No heartbeat for a whole TTL.
struct Silent {
  static constexpr std::string_view type = "node.silent";
  std::string node;
  Time last_seen{};

  [[nodiscard]] std::string stream() const { return "node/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("last_seen", self.last_seen);
  }
  bool operator==(const Silent&) const = default;
};

/// A silent node was heard again.
struct Returned {
  static constexpr std::string_view type = "node.returned";
  std::string node;

  [[nodiscard]] std::string stream() const { return "node/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
  }
  bool operator==(const Returned&) const = default;
};

/// Somebody took the node off the list: it is gone for good, or came back under another id.
struct Forgotten {
  static constexpr std::string_view type = "node.forgotten";
  std::string node;

  [[nodiscard]] std::string stream() const { return "node/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
  }
  bool operator==(const Forgotten&) const = default;
};

using Event = std::variant<Registered, Changed, Silent, Returned, Forgotten>;

}  // namespace muster::nodes
