// Sealed secrets: the log knows their names and nothing else.
#pragma once

#include <string>
#include <variant>

#include "events/fields.hpp"

namespace muster::secrets {

struct Sealed {
  static constexpr std::string_view type = "secret.sealed";
  std::string name;
  std::string secret;  ///< The id under which the node that holds it has sealed it.
  std::string holder;  ///< That node.
  Time expires_at{};

  [[nodiscard]] std::string stream() const { return "secret/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("secret", self.secret);
    visit("holder", self.holder);
    visit("expires_at", self.expires_at);
  }
  bool operator==(const Sealed&) const = default;
};

struct Removed {
  static constexpr std::string_view type = "secret.removed";
  std::string name, secret;
  std::string reason;  ///< "deleted", "replaced" or "expired".

  [[nodiscard]] std::string stream() const { return "secret/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("secret", self.secret);
    visit("reason", self.reason);
  }
  bool operator==(const Removed&) const = default;
};

using Event = std::variant<Sealed, Removed>;

}  // namespace muster::secrets
