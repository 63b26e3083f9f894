// What nodes report of applying the environment profile.
#pragma once

#include <string>
#include <variant>

#include "events/fields.hpp"

namespace muster::bootstrap {

struct Reported {
  static constexpr std::string_view type = "bootstrap.reported";
  std::string node, component, action, status, message, generation, idempotency_key;
  uint64_t attempt = 0, duration_ms = 0;

  [[nodiscard]] std::string stream() const { return "bootstrap/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("component", self.component);
    visit("action", self.action);
    visit("status", self.status);
    visit("message", self.message);
    visit("generation", self.generation);
    visit("idempotency_key", self.idempotency_key);
    visit("attempt", self.attempt);
    visit("duration_ms", self.duration_ms);
  }
  bool operator==(const Reported&) const = default;
};

using Event = std::variant<Reported>;

}  // namespace muster::bootstrap
