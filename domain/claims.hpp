// One-time claims: a token that is usable once.
#pragma once

#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/claims.hpp"

namespace muster::claims {

/// POST /api/claims/new. Id and token are made outside; the token comes as its hash.
struct Open {
  std::string claim, token_hash;
  Time expires_at{};
};
/// POST /api/claims/fulfill. Without a claim id, the token's hash finds it.
struct Fulfill {
  std::string claim, token_hash, node;
  RawJson info;
};
/// Drops claims that nobody fulfilled in time.
struct Sweep {};
using Command = std::variant<Open, Fulfill, Sweep>;

struct Claim {
  std::string token_hash;
  Time expires_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("token_hash", self.token_hash);
    visit("expires_at", self.expires_at);
  }
};

struct ByHash {
  std::string claim;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("claim", self.claim);
  }
};

/// Open claims only: a fulfilled or expired one is as unknown as one that never was.
struct State {
  PagedMap<std::string, Claim> open;
  PagedMap<std::string, ByHash> by_hash;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("open", self.open);
    visit("by_hash", self.by_hash);
  }
};

/// Open claims at once, at most.
constexpr size_t kMaxOpen = 100'000;

/// Errors: `claim.invalid` for an unknown id, a wrong token, a claim fulfilled or expired: all alike, so that
/// nothing is told to a guesser; `rate.limited` beyond kMaxOpen.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Opened& event);
State evolve(State state, const Fulfilled& event);
State evolve(State state, const Expired& event);

}  // namespace muster::claims
