// OpenSSL's keys and certificates as PEM texts, for the authority alone.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/result.hpp"

namespace muster::pem {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

[[nodiscard]] std::string of(const X509* certificate);
[[nodiscard]] std::string of_private(const EVP_PKEY* key);
[[nodiscard]] std::string of_public(const EVP_PKEY* key);

/// Ed25519 or P-256. Error: `field.invalid`.
Result<std::shared_ptr<EVP_PKEY>> read_public(std::string_view text);
/// Null when it cannot be read, or is of another kind.
[[nodiscard]] Key read_private(std::string_view text);

/// SHA-256 of the public half (SPKI, DER), hex.
[[nodiscard]] std::string key_fingerprint(const EVP_PKEY* key);

}  // namespace muster::pem
