// What a certificate says, and how it names a node: shared by who issues certificates and who checks them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

struct Certificate {
  std::string node;         ///< The id of the node it names; empty when it names none.
  std::string key;          ///< SHA-256 of the public key (SPKI, DER), hex.
  std::string fingerprint;  ///< SHA-256 of the certificate (DER), hex.
  Time not_before, not_after;
};

/// Reads the first certificate of a PEM text. Error: `field.invalid`.
Result<Certificate> read_certificate(std::string_view pem);

/// The same of DER.
Result<Certificate> read_certificate_der(std::string_view der);

/// How the subjectAltName of a certificate names a node: `muster:node:` and the id, percent-encoded. The
/// common name is for people: it holds 64 characters at most, and ids are longer.
[[nodiscard]] std::string node_uri(std::string_view node);

/// Nothing for any other URI, or one that node_uri() would have written differently.
[[nodiscard]] std::optional<std::string> node_of_uri(std::string_view uri);

}  // namespace muster
