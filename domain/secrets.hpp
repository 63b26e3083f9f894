// Which secrets are sealed: their names, holders and ends; the values are sealed elsewhere.
#pragma once

#include <string>
#include <variant>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "events/secrets.hpp"

namespace muster::secrets {

/// A value was sealed by `holder` under the id `secret`. The secret that had the name before is replaced.
struct Seal {
  std::string name, secret, holder;
  Time expires_at{};  ///< Left out: kLifetime from now.
};
struct Remove {
  std::string name;
};
/// Removes what has expired.
struct Sweep {};
using Command = std::variant<Seal, Remove, Sweep>;

struct Secret {
  std::string secret;
  Time expires_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("secret", self.secret);
    visit("expires_at", self.expires_at);
  }
};

struct State {
  PagedMap<std::string, Secret> secrets;  ///< By name.
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("secrets", self.secrets);
  }
};

/// How long a secret lives, at most.
constexpr Millis kLifetime = std::chrono::hours(24);
/// Secrets at once, at most.
constexpr size_t kMaxSecrets = 10'000;

/// The result of Seal is {"name":"...","expires_at":"..."}. Errors: `field.invalid`, `not.found`,
/// `rate.limited` beyond kMaxSecrets.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Sealed& event);
State evolve(State state, const Removed& event);

}  // namespace muster::secrets
