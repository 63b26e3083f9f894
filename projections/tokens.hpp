// API tokens: who may come in, by the hash of what they show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "projections/about.hpp"

namespace muster::tokens {

struct View {
  static constexpr std::string_view name = "tokens";
  static constexpr int version = 1;
  static constexpr size_t kMaxRevoked = 1'000;  ///< Revoked tokens that are still listed.

  struct Row {
    std::string name, hash;
    std::vector<std::string> scopes;
    Time created_at{};
    std::string created_by;  ///< The actor who made it.
    Time expires_at{};       ///< Left out: never.
    bool revoked = false;
    Time revoked_at{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("name", self.name);
      visit("hash", self.hash);
      visit("scopes", self.scopes);
      visit("created_at", self.created_at);
      visit("created_by", self.created_by);
      visit("expires_at", self.expires_at);
      visit("revoked", self.revoked);
      visit("revoked_at", self.revoked_at);
    }
  };
  struct Id {
    std::string token;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("token", self.token);
    }
  };

  About about;
  PagedMap<std::string, Row> tokens;  ///< By token id.
  PagedMap<std::string, Id> by_hash;  ///< Tokens that are not revoked.
  PagedMap<uint64_t, Id> revoked;     ///< By the seq that revoked them: the order in which they go.

  /// The token with this hash when it may be used at `now`: neither revoked nor expired.
  [[nodiscard]] const Row* usable(const std::string& hash, Time now) const;

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("tokens", self.tokens);
    visit("by_hash", self.by_hash);
    visit("revoked", self.revoked);
  }

private:
  void create(const Created& event, const Record& record);
  void revoke(const Revoked& event, const Record& record);
};

}  // namespace muster::tokens
