// Wiring verifiers of JWTs together.
#include "app/jwt_checks.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace muster::app {

Result<std::unique_ptr<JwtChecks>> JwtChecks::start(const config::Config& config) {
  std::unique_ptr<JwtChecks> made{new JwtChecks};
  const JwtRules rules{config.text("jwt-aud"), config.text("jwt-iss")};
  if (!config.text("jwks-url").empty()) {
    auto keys = std::make_unique<Jwks>(JwksOptions{
      .url = config.text("jwks-url"),
      .refresh = config.duration("jwks-refresh"),
      .failed = [](const Error& why) { spdlog::warn("jwks code={} error={}", why.code, why.detail); }});
    if (auto status = keys->start(); !status) return status.error();
    made->by_keys_ = std::make_unique<JwtVerifier>(rules, *keys);
    made->keys_ = std::move(keys);
  }
  if (const auto& secret = config.text("jwt-secret"); !secret.empty()) {
    auto set = KeySet::of_secret(secret);
    if (!set) return set.error();
    made->secret_ = std::make_unique<GivenKeys>(std::move(*set));
    made->by_secret_ = std::make_unique<JwtVerifier>(rules, *made->secret_);
  }
  return made;
}

/// Each refuses the other's algorithm before it looks at anything else.
Result<Claims> JwtChecks::verify(std::string_view token) const {
  const auto now = system_now();
  if (by_secret_) {
    auto claims = by_secret_->verify(token, now);
    if (claims || !by_keys_) return claims;
  }
  return by_keys_->verify(token, now);
}

http::CheckJwt JwtChecks::check() {
  if (!by_keys_ && !by_secret_) return {};
  return [this](std::string_view token) -> Result<http::Principal> {
    auto claims = verify(token);
    if (!claims) return claims.error();
    if (claims->sub.empty()) return http::Principal{};
    return http::Principal{std::move(claims->sub), std::move(claims->scopes)};
  };
}

}  // namespace muster::app
