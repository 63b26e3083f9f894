// API tokens: made once, shown once, kept as hashes, revoked at will.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/tokens.hpp"

namespace muster::tokens {

/// Id and token are made outside; the token comes as its SHA-256. A scope may carry a prefix (thatdam:read),
/// which is dropped.
struct Create {
  std::string token, name, hash;
  std::vector<std::string> scopes;
  Time expires_at{};  ///< Left out: never.
};
/// By the token's id or its name.
struct Revoke {
  std::string token;
};
using Command = std::variant<Create, Revoke>;

struct Token {
  std::string name;
  Time expires_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("expires_at", self.expires_at);
  }
};

struct ByName {
  std::string token;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("token", self.token);
  }
};

/// Tokens that are not revoked. An expired one stays until its name or its place is needed.
struct State {
  PagedMap<std::string, Token> tokens;
  PagedMap<std::string, ByName> by_name;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("tokens", self.tokens);
    visit("by_name", self.by_name);
  }
};

/// Live tokens at once, at most.
constexpr size_t kMaxTokens = 10'000;

/// The result of Create is {"id":"...","name":"...","scopes":[...],"expires_at":"..."}. Errors:
/// `field.invalid`, `name.taken`, `rate.limited` beyond kMaxTokens, `not.found`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Created& event);
State evolve(State state, const Revoked& event);

}  // namespace muster::tokens
