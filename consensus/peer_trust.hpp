// Who is at the other end: certificates against the trust bundle, at a given moment.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_st;

namespace muster::consensus {

/// What a node shows, and whom it trusts; all PEM.
struct PeerCredentials {
  std::string chain;  ///< Its certificate, then the CA's own: a joiner has to see that.
  std::string key;    ///< The private key.
  std::string trust;  ///< CA certificates, one or several: two while the cluster key is changed.
};

/// Who showed a certificate.
struct Identity {
  enum class Standing : uint8_t {
    none,     ///< It showed no certificate.
    foreign,  ///< Or one that must not be trusted, see `fault`.
    sound,    ///< Or one that is in order.
  };
  Standing standing = Standing::none;
  std::string fault;      ///< The reason it is foreign: a sentence.
  std::string node, key;  ///< As in Peer.
  Time expires{};         ///< From then on it is not in order.
};

/// Credentials, read and checked. Immutable, thread-safe.
class PeerTrust {
public:
  /// Without a chain nothing is shown. Error: `config.invalid` naming the part that cannot be used.
  static Result<std::shared_ptr<const PeerTrust>> make(const PeerCredentials& credentials);

  /// A new connection's TLS state: 1.3, no resumption, so that certificates are shown each time. It lets
  /// everyone through who proves the possession of the key of what he shows: identify() judges.
  [[nodiscard]] ssl_st* new_session() const;

  /// The other end of a connection whose handshake is done. `server`: it accepted the connection.
  [[nodiscard]] Identity identify(const ssl_st* session, bool server, Time now) const;

private:
  PeerTrust() = default;
  std::shared_ptr<ssl_ctx_st> context_;
  std::shared_ptr<x509_store_st> store_;
};

/// What PeerTrust::identify does with the CA whose SHA-256 (DER, hex) is `fingerprint`, which the server must
/// have shown with its certificate: who has no bundle yet trusts a fingerprint.
[[nodiscard]] Identity identify_by_fingerprint(const ssl_st* session, std::string_view fingerprint, Time now);

}  // namespace muster::consensus
