// Where a node listens: never beyond loopback without credentials.
#pragma once

#include <string>

#include "app/config/config.hpp"
#include "http/server.hpp"

namespace muster::config {

/// `notice` is a sentence for the person at the terminal; empty when there is nothing to say.
struct Bind {
  http::Listen listen;
  bool loopback = true;
  std::string notice;
};

/// Resolves --bind, --dev and the TLS files. Credentials are an API key, a JWKS URL, a token in the log
/// (`has_tokens`), or a join token: the log that it brings has the tokens. A bare port is every address with
/// credentials and loopback without, or with --dev. Errors: `bind.refused` for any other address without
/// credentials or with --dev, saying what to do; `config.invalid` for an address that cannot be read.
[[nodiscard]] Result<Bind> resolve_bind(const Config& config, bool has_tokens);

/// The limits of the edge as configured.
[[nodiscard]] http::Limits http_limits(const Config& config);

}  // namespace muster::config
