// The cluster's certificate authority: made anew, to the byte, by everyone who holds the cluster key.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/certificate.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

/// A node's certificate is good for this long when nothing else is said, and asked for again when less than a
/// third is left.
constexpr Millis kCertificateLife = std::chrono::hours{30 * 24};
/// It is good from a little earlier on, at most a tenth of its life: the clocks of members differ.
constexpr Millis kCertificateBackdate = std::chrono::minutes{5};

constexpr size_t kClusterKeyBytes = 32;

/// Writes a new cluster key as a line of hex, mode 0600, and returns them. Error: `config.invalid` when the
/// file is there already: a cluster key is never replaced by accident; `internal`.
Result<std::string> make_cluster_key(const std::string& path);

/// Its bytes. Error: `config.invalid` naming the file and the remedy when it is missing, empty, malformed,
/// or may be read by others.
Result<std::string> read_cluster_key(const std::string& path);

/// Signs with an Ed25519 key that is HKDF-SHA256(cluster key, "muster ca v1"). Thread-safe.
class Authority {
public:
  /// `cluster_key`: kClusterKeyBytes. Error: `config.invalid`.
  static Result<Authority> from_key(std::string_view cluster_key);

  /// The self-signed certificate, PEM: the same bytes on every machine.
  [[nodiscard]] const std::string& certificate() const { return certificate_; }
  /// SHA-256 of it (DER), hex.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }

  /// A certificate for `node` with `public_key` (SPKI, PEM: Ed25519 or P-256), as PEM: the leaf and the CA's
  /// own, as a node shows them. It names the node as base/certificate.hpp says, and serves both ends of a
  /// connection. Error: `field.invalid`.
  [[nodiscard]] Result<std::string> issue(std::string_view node, std::string_view public_key, Time not_before,
                                          Time not_after) const;
  /// From kCertificateBackdate ago, for `life`.
  [[nodiscard]] Result<std::string> issue(std::string_view node, std::string_view public_key, Time now,
                                          Millis life = kCertificateLife) const;

private:
  Authority() = default;

  std::shared_ptr<void> key_, ca_;  ///< OpenSSL's EVP_PKEY and X509.
  std::string certificate_, fingerprint_;
};

/// True when less than a third of its life is left, or `certificate` (PEM) cannot be read.
[[nodiscard]] bool due_for_renewal(std::string_view certificate, Time now);

/// What a node proves itself with; the private half never leaves its machine.
struct NodeKey {
  std::string private_key;  ///< PKCS#8, PEM.
  std::string public_key;   ///< SPKI, PEM.
  std::string fingerprint;  ///< SHA-256 of the SPKI (DER), hex.
};

/// Kept in `<folder>/node.pem`, mode 0600, made (Ed25519) when it is not there. Error: `internal` naming the
/// file and the reason, also when others may read it.
Result<NodeKey> load_or_make_node_key(const std::string& folder);

}  // namespace muster
