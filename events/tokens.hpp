// API tokens: kept as hashes.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "events/fields.hpp"

namespace muster::tokens {

struct Created {
  static constexpr std::string_view type = "token.created";
  std::string token;  ///< Its id.
  std::string name;
  std::string hash;  ///< SHA-256 of the token, hex.
  std::vector<std::string> scopes;
  Time expires_at{};  ///< Left out: never.

  [[nodiscard]] std::string stream() const { return "token/" + token; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("token", self.token);
    visit("name", self.name);
    visit("hash", self.hash);
    visit("scopes", self.scopes);
    visit("expires_at", self.expires_at);
  }
  bool operator==(const Created&) const = default;
};

struct Revoked {
  static constexpr std::string_view type = "token.revoked";
  std::string token;

  [[nodiscard]] std::string stream() const { return "token/" + token; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("token", self.token);
  }
  bool operator==(const Revoked&) const = default;
};

using Event = std::variant<Created, Revoked>;

}  // namespace muster::tokens
