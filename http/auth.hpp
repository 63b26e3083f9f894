// Who calls: API key, token or JWT; and what the cluster demands of callers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "domain/policy.hpp"
#include "http/message.hpp"
#include "projections/catalog.hpp"

namespace muster::http {

/// Checks a bearer JWT. Error: `unauthorized`.
using CheckJwt = std::function<Result<Principal>(std::string_view token)>;

struct AuthOptions {
  policy::Flags flags;
  std::string api_key;           ///< Empty: none.
  CheckJwt jwt;                  ///< Empty: no JWKS is configured.
  std::string dev_token;         ///< Empty: not --dev.
  std::string own_token;         ///< What this node's own side calls with; made at each start. Empty: none.
  std::string node;              ///< This node's id, whom the own token names.
  bool beyond_loopback = false;  ///< Without any credential nobody may anything, rather than everybody.
  std::string scope_prefix = "thatdam";
};

/// A page of this machine: http://localhost, at any port.
[[nodiscard]] bool is_local_origin(std::string_view origin);

class Authenticator {
public:
  explicit Authenticator(AuthOptions options);

  /// The caller (supervisor contract, section 2): X-API-Key, then a bearer token of this cluster, then a JWT.
  /// No credential: anonymous. Error: `unauthorized` for a wrong one, and for a JWT whose `sub` begins with
  /// `node/`.
  [[nodiscard]] Result<Principal> authenticate(const Request& request, const ViewSet& views, Time now) const;

  /// May the caller do `action`? Errors: `unauthorized`, `forbidden`.
  [[nodiscard]] Status authorize(const Principal& caller, std::string_view action,
                                 const ViewSet& views) const;

  /// Who asks for `action` without any credential. Under --dev that is `dev` where the action is one of jobs
  /// (jobs contract, section 9), unless a page of elsewhere made a browser ask; else it is anonymous.
  [[nodiscard]] Principal nameless(const Request& request, std::string_view action) const;

  /// This node itself, with what it may ask of its own cluster.
  [[nodiscard]] Principal own() const;

private:
  [[nodiscard]] Principal everything(std::string id) const;
  [[nodiscard]] policy::Policy policy_of(const ViewSet& views) const;
  AuthOptions options_;
};

}  // namespace muster::http
