// The authority on libcrypto: a derived key, a certificate without chance or clock in it, and leaves.
#include "adapters/authority.hpp"

#include <algorithm>
#include <array>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "adapters/pem.hpp"
#include "base/hash.hpp"
#include "domain/names.hpp"

namespace muster {
namespace {

constexpr std::string_view kInfo = "muster ca v1";
constexpr size_t kMaxCommonName = 64;
constexpr auto kValidFrom = "20200101000000Z", kValidUntil = "99991231235959Z";  // RFC 5280, 4.1.2.5.

EVP_PKEY* as_key(const std::shared_ptr<void>& key) {
  return static_cast<EVP_PKEY*>(key.get());
}
X509* as_certificate(const std::shared_ptr<void>& certificate) {
  return static_cast<X509*>(certificate.get());
}

/// Empty when libcrypto cannot.
std::string hkdf(std::string_view secret) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                              EVP_KDF_free};
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context{EVP_KDF_CTX_new(kdf.get()),
                                                                          EVP_KDF_CTX_free};
  std::string digest = "SHA256", key{secret}, info{kInfo}, out(32, '\0');
  const std::array<OSSL_PARAM, 4> parameters{
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
    OSSL_PARAM_construct_end()};
  const bool ok = context && EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()),
                                            out.size(), parameters.data()) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  return ok ? out : std::string{};
}

bool add_name(X509_NAME* name, std::string_view common_name) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension{
    X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free};
  return extension && X509_add_ext(to, extension.get(), -1) == 1;
}

/// Nothing in it depends on when or where it is made: Ed25519 signs without chance.
bool make_ca(X509* ca, EVP_PKEY* key, const std::string& name) {
  return X509_set_version(ca, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(ca), 1) == 1 &&
         ASN1_TIME_set_string_X509(X509_getm_notBefore(ca), kValidFrom) == 1 &&
         ASN1_TIME_set_string_X509(X509_getm_notAfter(ca), kValidUntil) == 1 &&
         X509_set_pubkey(ca, key) == 1 && add_name(X509_get_subject_name(ca), name) &&
         X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
         add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         add_extension(ca, ca, NID_key_usage, "critical,keyCertSign") &&
         add_extension(ca, ca, NID_subject_key_identifier, "hash") && X509_sign(ca, key, nullptr) > 0;
}

bool set_serial(X509* leaf) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = (bytes[0] & 0x7f) | 0x40;  // Positive, and of one length.
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number{
    BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), BN_free};
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(leaf)) != nullptr;
}

bool set_time(ASN1_TIME* field, Time time) {
  return ASN1_TIME_set(field, std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()) !=
         nullptr;
}

/// An id, or of a long one what identifies it to people.
std::string common_name(std::string_view node) {
  return node.size() <= kMaxCommonName ? std::string{node} : "node " + sha256_hex(node).substr(0, 32);
}

bool make_leaf(X509* leaf, X509* ca, EVP_PKEY* signer, EVP_PKEY* key, std::string_view node, Time from,
               Time until) {
  return X509_set_version(leaf, X509_VERSION_3) == 1 && set_serial(leaf) &&
         set_time(X509_getm_notBefore(leaf), from) && set_time(X509_getm_notAfter(leaf), until) &&
         X509_set_pubkey(leaf, key) == 1 && add_name(X509_get_subject_name(leaf), common_name(node)) &&
         X509_set_issuer_name(leaf, X509_get_subject_name(ca)) == 1 &&
         add_extension(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(leaf, ca, NID_key_usage, "critical,digitalSignature") &&
         add_extension(leaf, ca, NID_ext_key_usage, "clientAuth,serverAuth") &&
         add_extension(leaf, ca, NID_subject_alt_name, "URI:" + node_uri(node)) &&
         add_extension(leaf, ca, NID_authority_key_identifier, "keyid:always") &&
         X509_sign(leaf, signer, nullptr) > 0;
}

Error failed(const std::string& what) {
  ERR_clear_error();
  return {"internal", "libcrypto cannot " + what};
}

}  // namespace

Result<Authority> Authority::from_key(std::string_view cluster_key) {
  if (cluster_key.size() != kClusterKeyBytes)
    return Error{"config.invalid",
                 "a cluster key has 32 bytes, this one has " + std::to_string(cluster_key.size())};
  auto seed = hkdf(cluster_key);
  Authority made;
  made.key_ = std::shared_ptr<void>(
    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                 reinterpret_cast<const unsigned char*>(seed.data()), seed.size()),
    [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); });
  OPENSSL_cleanse(seed.data(), seed.size());
  if (!made.key_) return failed("derive the authority's key");
  made.ca_ =
    std::shared_ptr<void>(X509_new(), [](void* certificate) { X509_free(static_cast<X509*>(certificate)); });
  const auto name = "muster ca " + pem::key_fingerprint(as_key(made.key_)).substr(0, 16);
  if (!made.ca_ || !make_ca(as_certificate(made.ca_), as_key(made.key_), name))
    return failed("make the authority's certificate");
  made.certificate_ = pem::of(as_certificate(made.ca_));
  const auto read = read_certificate(made.certificate_);
  if (!read) return read.error();
  made.fingerprint_ = read->fingerprint;
  return made;
}

Result<std::string> Authority::issue(std::string_view node, std::string_view public_key, Time not_before,
                                     Time not_after) const {
  if (auto fault = names::id_fault(node); !fault.empty())
    return Error{"field.invalid", "the node's id " + fault, {{"/node", std::move(fault)}}};
  if (not_after <= not_before)
    return Error{
      "field.invalid", "the certificate would end before it begins", {{"/not_after", "is too early"}}};
  const auto key = pem::read_public(public_key);
  if (!key) return key.error();
  const std::unique_ptr<X509, decltype(&X509_free)> leaf{X509_new(), X509_free};
  if (!leaf ||
      !make_leaf(leaf.get(), as_certificate(ca_), as_key(key_), key->get(), node, not_before, not_after))
    return failed("issue a certificate");
  return pem::of(leaf.get()) + certificate_;
}

Result<std::string> Authority::issue(std::string_view node, std::string_view public_key, Time now,
                                     Millis life) const {
  const auto from = now - std::min(kCertificateBackdate, life / 10);
  return issue(node, public_key, from, from + life);
}

bool due_for_renewal(std::string_view certificate, Time now) {
  const auto read = read_certificate(certificate);
  return !read || read->not_after - now < (read->not_after - read->not_before) / 3;
}

}  // namespace muster
