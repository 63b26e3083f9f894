// SHA-256, HMAC-SHA-256, hex and constant-time comparison: thin names over libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

using Digest = std::array<uint8_t, 32>;

/// The digest before the first line of every log: 64 zeros in hex.
constexpr Digest kNoDigest{};

[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);

/// Lower-case hex, two characters a byte.
[[nodiscard]] std::string to_hex(const Digest& digest);
void append_hex(std::string& out, const Digest& digest);
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Reads 64 lower-case hex characters.
[[nodiscard]] std::optional<Digest> digest_from_hex(std::string_view hex);
[[nodiscard]] inline std::string sha256_hex(std::string_view bytes) {
  return to_hex(sha256(bytes));
}

/// `n` bytes from the system's generator, in hex.
[[nodiscard]] std::string random_hex(size_t n);

/// Takes as long for equal as for different strings of one length.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Hashes in pieces; for files and digests over many rows.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  [[nodiscard]] Digest finish();  ///< And starts anew.

private:
  void* context_;
};

}  // namespace muster
