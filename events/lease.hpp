// Who holds the leader lease. Renewals are telemetry; a grant, a move and a lapse are events.
#pragma once

#include <string>
#include <variant>

#include "events/fields.hpp"

namespace muster::lease {

/// The lease was granted. Each grant raises the epoch by one.
struct Granted {
  static constexpr std::string_view type = "leader.granted";
  std::string node, url;
  uint64_t epoch = 0;

  [[nodiscard]] std::string stream() const { return "lease/leader"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("url", self.url);
    visit("epoch", self.epoch);
  }
  bool operator==(const Granted&) const = default;
};

/// The holder is reached at another URL.
struct Moved {
  static constexpr std::string_view type = "leader.moved";
  std::string node, url;

  [[nodiscard]] std::string stream() const { return "lease/leader"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("url", self.url);
  }
  bool operator==(const Moved&) const = default;
};

/// The holder did not renew for a whole TTL.
struct Lapsed {
  static constexpr std::string_view type = "leader.lapsed";
  std::string node;
  uint64_t epoch = 0;

  [[nodiscard]] std::string stream() const { return "lease/leader"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("epoch", self.epoch);
  }
  bool operator==(const Lapsed&) const = default;
};

using Event = std::variant<Granted, Moved, Lapsed>;

}  // namespace muster::lease
