// Join tokens: one line of text that tells a new machine whom to trust, and the cluster whom to let in.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster {

constexpr size_t kMinJoinSecret = 16, kMaxJoinSecret = 32;  ///< Bytes.

struct JoinToken {
  std::string fingerprint;  ///< Of the CA (Authority::fingerprint), hex.
  std::string secret;       ///< kMinJoinSecret to kMaxJoinSecret bytes.
  bool operator==(const JoinToken&) const = default;
};

/// 32 random bytes.
[[nodiscard]] std::string new_join_secret();

/// `muster-join-` and base64url of fingerprint, secret, and four bytes of SHA-256 over both. Error:
/// `field.invalid` when the fingerprint is no SHA-256 or the secret has another length.
Result<std::string> to_text(const JoinToken& token);

/// White space around it is left out. Error: `field.invalid` saying what is wrong: no token at all, cut off,
/// or mistyped.
Result<JoinToken> parse_join_token(std::string_view text);

/// What is kept of a token: SHA-256 of its secret, hex.
[[nodiscard]] std::string token_hash(std::string_view secret);

}  // namespace muster
