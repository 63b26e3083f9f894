// The table of actions, and its reading.
#include "domain/policy.hpp"

#include <algorithm>
#include <array>

namespace muster::policy {
namespace {

struct Rule {
  Action action;
  bool (*anonymous)(const Policy&);
  /// The scope a known caller needs; empty: being known is enough.
  std::string_view (*scope)(const Policy&);
};

/// With only a key configured, a request without it is refused before any flag is looked at (section 2).
bool key_only(const Policy& policy) {
  return policy.key_set && !policy.jwks_set;
}

bool may_join(const Policy& policy) {
  return policy.flags.allow_anonymous_proxy && !key_only(policy);
}

bool when_open(const Policy& policy) {
  return policy.open();
}

std::string_view no_scope(const Policy&) {
  return {};
}
std::string_view register_scope(const Policy&) {
  return "register";
}
std::string_view read_scope(const Policy&) {
  return "read";
}
std::string_view apply_scope(const Policy&) {
  return "apply";
}
std::string_view admin_scope(const Policy&) {
  return "admin";
}

/// Of jobs (jobs contract, section 9): the scope is the action, with the prefix or without it; who may rule
/// may do these, too.
constexpr std::array<std::string_view, 6> kJobScopes = {"jobs:read",   "runs:read",    "runs:write",
                                                        "events:read", "sources:read", "sources:write"};

Status allow_jobs(const Policy& policy, Action action, const Caller& caller) {
  if (caller.anonymous) {
    if (policy.open()) return Done{};
    return Error{"unauthorized", "unauthorized: " + std::string(action) + " needs a credential"};
  }
  const auto has = [&](const std::string& scope) {
    return std::find(caller.scopes.begin(), caller.scopes.end(), scope) != caller.scopes.end();
  };
  const auto prefix = policy.scope_prefix + ":";
  if (has(std::string(action)) || has(prefix + std::string(action)) || has(prefix + "admin")) return Done{};
  return Error{"forbidden", "missing required scope " + std::string(action)};
}

constexpr std::array kRules = {
  Rule{"open", [](const Policy&) { return true; }, no_scope},
  Rule{"authenticated", when_open, no_scope},
  // Authenticated, not policy-checked: without a token JWKS calls the caller anonymous, and that is no error.
  Rule{"claims", [](const Policy& p) { return !key_only(p); }, no_scope},
  Rule{"register", may_join, register_scope},
  Rule{"heartbeat", may_join, register_scope},
  Rule{"plan.read", [](const Policy& p) { return !p.flags.require_auth_for_plan && !key_only(p); },
       read_scope},
  Rule{"bootstrap.apply", [](const Policy& p) { return !p.flags.require_auth_for_bootstrap && !key_only(p); },
       [](const Policy& p) -> std::string_view { return p.flags.require_auth_for_bootstrap ? "apply" : ""; }},
  Rule{"leader.claim", when_open, admin_scope},
  Rule{"read", when_open, read_scope},
  Rule{"apply", when_open, apply_scope},
  Rule{"admin", when_open, admin_scope},
};

}  // namespace

bool parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue{"1", "t", "T", "TRUE", "true", "True"};
  return std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end();
}

std::vector<std::string> all_scopes(std::string_view prefix) {
  std::vector<std::string> scopes;
  for (const std::string_view suffix : {"register", "read", "apply", "admin"})
    scopes.push_back(std::string(prefix) + ":" + std::string(suffix));
  return scopes;
}

std::span<const std::string_view> job_scopes() {
  return kJobScopes;
}

Status allow(const Policy& policy, Action action, const Caller& caller) {
  if (std::find(kJobScopes.begin(), kJobScopes.end(), action) != kJobScopes.end())
    return allow_jobs(policy, action, caller);
  const auto* const rule =
    std::find_if(kRules.begin(), kRules.end(), [&](const Rule& r) { return r.action == action; });
  if (rule == kRules.end()) return Error{"forbidden", "forbidden: no rule allows " + std::string(action)};
  if (caller.anonymous) {
    if (rule->anonymous(policy)) return Done{};
    return Error{"unauthorized", "unauthorized: " + std::string(action) + " needs a credential"};
  }
  const auto suffix = rule->scope(policy);
  if (suffix.empty()) return Done{};
  const auto needed = policy.scope_prefix + ":" + std::string(suffix);
  if (std::find(caller.scopes.begin(), caller.scopes.end(), needed) != caller.scopes.end()) return Done{};
  return Error{"forbidden", "forbidden: the scope " + needed + " is missing"};
}

}  // namespace muster::policy
