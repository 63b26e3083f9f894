// One-time claims: opened by somebody who watches, fulfilled once by whoever holds the token.
#pragma once

#include <string>
#include <variant>

#include "events/fields.hpp"

namespace muster::claims {

struct Opened {
  static constexpr std::string_view type = "claim.opened";
  std::string claim;
  std::string token_hash;  ///< SHA-256 of the token, hex; the token itself is given once and never kept.
  Time expires_at{};

  [[nodiscard]] std::string stream() const { return "claim/" + claim; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("claim", self.claim);
    visit("token_hash", self.token_hash);
    visit("expires_at", self.expires_at);
  }
  bool operator==(const Opened&) const = default;
};

struct Fulfilled {
  static constexpr std::string_view type = "claim.fulfilled";
  std::string claim, node;
  RawJson info;

  [[nodiscard]] std::string stream() const { return "claim/" + claim; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("claim", self.claim);
    visit("node", self.node);
    visit("info", self.info);
  }
  bool operator==(const Fulfilled&) const = default;
};

struct Expired {
  static constexpr std::string_view type = "claim.expired";
  std::string claim;

  [[nodiscard]] std::string stream() const { return "claim/" + claim; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("claim", self.claim);
  }
  bool operator==(const Expired&) const = default;
};

using Event = std::variant<Opened, Fulfilled, Expired>;

}  // namespace muster::claims
