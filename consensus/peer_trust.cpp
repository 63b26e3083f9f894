// Chains and moments, checked with libcrypto after the handshake, so that a refusal has a reason.
#include "consensus/peer_trust.hpp"

#include <string_view>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/certificate.hpp"

namespace muster::consensus {
namespace {

constexpr long kMaxShown = 16 << 10;  ///< Bytes of certificates that the other end may show.
constexpr int kMaxTrusted = 8;        ///< CAs in a bundle.

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;
using Certificates = std::vector<Owned<X509>>;

Error unusable(const std::string& what) {
  ERR_clear_error();
  return {"config.invalid", "the network cannot use " + what};
}

Owned<BIO> reading(std::string_view text) {
  return Owned<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// Empty when there is none, or something else in the text.
Certificates read_all(std::string_view pem) {
  const auto in = reading(pem);
  Certificates all;
  while (auto* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return {};
  return all;
}

std::string der_of(const X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

int let_through(X509_STORE_CTX*, void*) {
  return 1;
}

Status show(SSL_CTX* context, const PeerCredentials& credentials) {
  const auto chain = read_all(credentials.chain);
  if (chain.empty()) return unusable("its certificate chain: it is no list of certificates in PEM");
  const auto in = reading(credentials.key);
  const Owned<EVP_PKEY> key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
  if (!key) return unusable("its private key: it is no key in PEM");
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return unusable("its certificate");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return unusable("its private key: the certificate is for another one");
  for (size_t i = 1; i < chain.size(); i++)
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return unusable("its certificate chain");
  return Done{};
}

/// A sentence for what X509_verify_cert found.
std::string fault_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet: compare the clocks";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate is of another authority";
    default:
      return std::string{"its certificate is not in order: "} + X509_verify_cert_error_string(error);
  }
}

Identity judge(X509_STORE* store, const SSL* session, bool server, Time now) {
  X509* leaf = SSL_get0_peer_certificate(session);
  if (leaf == nullptr) return {};
  Identity found;
  found.standing = Identity::Standing::foreign;
  const Owned<X509_STORE_CTX> check{X509_STORE_CTX_new()};
  if (!check || X509_STORE_CTX_init(check.get(), store, leaf, SSL_get_peer_cert_chain(session)) != 1) {
    found.fault = "its certificate cannot be checked";
    return found;
  }
  auto* parameters = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_time(parameters,
                             std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  X509_VERIFY_PARAM_set_depth(parameters, 0);  // The authority signs members itself.
  X509_STORE_CTX_set_purpose(check.get(), server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  const bool sound = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  const auto facts = read_certificate_der(der_of(leaf));
  if (facts) found.node = facts->node, found.key = facts->key, found.expires = facts->not_after;
  if (!sound) {
    found.fault = fault_of(X509_STORE_CTX_get_error(check.get()));
  } else if (found.node.empty()) {
    found.fault = "its certificate names no node";
  } else {
    found.standing = Identity::Standing::sound;
  }
  return found;
}

std::shared_ptr<X509_STORE> store_of(const Certificates& trusted) {
  std::shared_ptr<X509_STORE> store{X509_STORE_new(), X509_STORE_free};
  for (const auto& certificate : trusted)
    if (!store || X509_STORE_add_cert(store.get(), certificate.get()) != 1) return nullptr;
  return store;
}

}  // namespace

Result<std::shared_ptr<const PeerTrust>> PeerTrust::make(const PeerCredentials& credentials) {
  ERR_clear_error();
  std::shared_ptr<PeerTrust> trust{new PeerTrust};
  trust->context_ = {SSL_CTX_new(TLS_method()), SSL_CTX_free};
  auto* context = trust->context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
    return unusable("TLS 1.3");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(context, kMaxShown);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, let_through, nullptr);
  if (!credentials.chain.empty())
    if (auto shown = show(context, credentials); !shown) return shown.error();
  if (!credentials.trust.empty()) {
    const auto trusted = read_all(credentials.trust);
    if (trusted.empty() || trusted.size() > kMaxTrusted)
      return unusable("its trust bundle: it is no list of 1 to " + std::to_string(kMaxTrusted) +
                      " certificates in PEM");
    trust->store_ = store_of(trusted);
    if (!trust->store_) return unusable("its trust bundle");
  } else if (!(trust->store_ = store_of({}))) {
    return unusable("an empty trust bundle");
  }
  return std::shared_ptr<const PeerTrust>{trust};
}

ssl_st* PeerTrust::new_session() const {
  auto* session = SSL_new(context_.get());
  if (session == nullptr) throw std::bad_alloc();
  return session;
}

Identity PeerTrust::identify(const ssl_st* session, bool server, Time now) const {
  return judge(store_.get(), session, server, now);
}

Identity identify_by_fingerprint(const ssl_st* session, std::string_view fingerprint, Time now) {
  const auto* shown = SSL_get_peer_cert_chain(session);
  for (int i = 0; shown != nullptr && i < sk_X509_num(shown); i++) {
    auto* certificate = sk_X509_value(shown, i);
    const auto facts = read_certificate_der(der_of(certificate));
    if (!facts || facts->fingerprint != fingerprint) continue;
    Certificates trusted;
    X509_up_ref(certificate);
    trusted.emplace_back(certificate);
    return judge(store_of(trusted).get(), session, true, now);
  }
  Identity stranger;
  stranger.standing = Identity::Standing::foreign;
  stranger.fault = "the server's authority is another one than the token names";
  return stranger;
}

}  // namespace muster::consensus
