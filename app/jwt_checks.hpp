// Whom a bearer JWT names: by the keys of --jwks-url, and by the secret of --jwt-secret.
#pragma once

#include <memory>

#include "adapters/jwks.hpp"
#include "app/config/config.hpp"
#include "http/auth.hpp"

namespace muster::app {

class JwtChecks {
public:
  /// Fetches the key set, if one is configured. Errors: as Jwks::start().
  static Result<std::unique_ptr<JwtChecks>> start(const config::Config& config);

  /// Empty when neither is configured. Not after this is gone.
  [[nodiscard]] http::CheckJwt check();

private:
  JwtChecks() = default;
  [[nodiscard]] Result<Claims> verify(std::string_view token) const;

  std::unique_ptr<KeySource> keys_, secret_;
  std::unique_ptr<JwtVerifier> by_keys_, by_secret_;
};

}  // namespace muster::app
