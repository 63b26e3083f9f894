// This node's keys: what it signs with, seals with, and fingerprints guessable values with.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster {

/// Kept in `<data>/keys/`, mode 0600, made at the first start.
struct Keys {
  std::string sign_private;  ///< Ed25519, 32 bytes.
  std::string sign_public;   ///< 32 bytes.
  std::string seal;          ///< 32 bytes, AES-256-GCM.
  std::string fingerprint;   ///< 32 bytes, HMAC-SHA-256.
};

/// Error: `internal` naming the file and the reason, also when others may read it.
Result<Keys> load_or_make_keys(const std::string& folder);

/// Ed25519 over `message`, 64 bytes.
[[nodiscard]] std::string sign(const Keys& keys, std::string_view message);
[[nodiscard]] bool verify_signature(std::string_view public_key, std::string_view message,
                                    std::string_view signature);

/// AES-256-GCM: 12 bytes of nonce, the ciphertext, 16 bytes of tag. `context` is bound, not kept.
[[nodiscard]] std::string seal(std::string_view key, std::string_view context, std::string_view clear);
/// Error: `internal` when the bytes were changed, or sealed with another key or context.
Result<std::string> unseal(std::string_view key, std::string_view context, std::string_view sealed);

/// Writes `bytes` to a temporary file beside `path`, syncs it and renames it. Error: `internal` with the
/// reason.
Status write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode);
/// Error: `not.found` when there is no such file; `internal`.
Result<std::string> read_file(const std::string& path, size_t limit);

}  // namespace muster
