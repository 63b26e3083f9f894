// Who may do what: the policy flags, the scopes and the one table of actions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace muster::policy {

/// Go's ParseBool, with anything it would refuse counting as false: 1 t T TRUE true True.
[[nodiscard]] bool parse_bool(std::string_view text);

/// POLICY_ALLOW_ANONYMOUS_PROXY, POLICY_REQUIRE_AUTH_FOR_PLAN, POLICY_REQUIRE_AUTH_FOR_BOOTSTRAP.
struct Flags {
  bool allow_anonymous_proxy = false;
  bool require_auth_for_plan = false;
  bool require_auth_for_bootstrap = false;
};

struct Policy {
  Flags flags;
  bool jwks_set = false;    ///< JWKS_URL is configured.
  bool key_set = false;     ///< SUPERVISOR_API_KEY is configured.
  bool tokens_set = false;  ///< Tokens were made on this cluster, or callers come from other machines.
  std::string scope_prefix = "thatdam";

  /// Nothing to authenticate with: the flags alone decide.
  [[nodiscard]] bool open() const { return !jwks_set && !key_set && !tokens_set; }
};

/// The four scopes of `prefix`, in order: register, read, apply, admin.
[[nodiscard]] std::vector<std::string> all_scopes(std::string_view prefix);

/// Those of jobs, which need no prefix.
[[nodiscard]] std::span<const std::string_view> job_scopes();

struct Caller {
  std::string id;
  bool anonymous = true;
  std::vector<std::string> scopes;
};

/// What a route asks for: one of
/// `open`, `authenticated`, `claims`, `register`, `heartbeat`, `plan.read`, `bootstrap.apply`,
/// `leader.claim` (supervisor contract, section 3), `read`, `apply`, `admin`, and the scopes of jobs:
/// `jobs:read`, `runs:read`, `runs:write`, `events:read`, `sources:read`, `sources:write`.
using Action = std::string_view;

/// Errors: `unauthorized` for an anonymous caller where a credential is required; `forbidden`, naming the
/// missing scope, for a known one that lacks it. An unknown action is refused to everybody.
Status allow(const Policy& policy, Action action, const Caller& caller);

}  // namespace muster::policy
