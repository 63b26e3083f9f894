// Reads certificates with libcrypto.
#include "base/certificate.hpp"

#include <ctime>
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/hash.hpp"
#include "base/percent.hpp"

namespace muster {
namespace {

constexpr std::string_view kScheme = "muster:node:";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

struct Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

template <class T>
std::string der_of(const T* thing, int (*encode)(const T*, unsigned char**)) {
  unsigned char* bytes = nullptr;
  const int size = encode(thing, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::optional<Time> time_of(const ASN1_TIME* text) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(text, &parts) != 1) return std::nullopt;
  return Time{std::chrono::seconds{timegm(&parts)}};
}

/// The one node that is named; none when there are two.
std::string node_of(const X509* certificate) {
  const Owned<GENERAL_NAMES> names{
    static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  std::string node;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); i++) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const auto* uri = name->d.uniformResourceIdentifier;
    const auto found = node_of_uri({reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                    static_cast<size_t>(ASN1_STRING_length(uri))});
    if (!found) continue;
    if (!node.empty()) return {};
    node = *found;
  }
  return node;
}

Result<Certificate> read(X509* parsed) {
  const Owned<X509> certificate{parsed};
  ERR_clear_error();
  const Error unreadable{"field.invalid", "this is not an X.509 certificate"};
  if (!certificate) return unreadable;
  const auto from = time_of(X509_get0_notBefore(certificate.get()));
  const auto until = time_of(X509_get0_notAfter(certificate.get()));
  const auto key = der_of<X509_PUBKEY>(X509_get_X509_PUBKEY(certificate.get()), i2d_X509_PUBKEY);
  if (!from || !until || key.empty()) return unreadable;
  return Certificate{node_of(certificate.get()), sha256_hex(key),
                     sha256_hex(der_of<X509>(certificate.get(), i2d_X509)), *from, *until};
}

}  // namespace

Result<Certificate> read_certificate(std::string_view pem) {
  const Owned<BIO> in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  return read(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
}

Result<Certificate> read_certificate_der(std::string_view der) {
  const auto* from = reinterpret_cast<const unsigned char*>(der.data());
  return read(d2i_X509(nullptr, &from, static_cast<long>(der.size())));
}

std::string node_uri(std::string_view node) {
  return std::string{kScheme} + percent_encoded(node);
}

std::optional<std::string> node_of_uri(std::string_view uri) {
  if (!uri.starts_with(kScheme)) return std::nullopt;
  std::string node;
  const auto text = uri.substr(kScheme.size());
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '%') {
      node += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = kHexDigits.find(text[i + 1]), low = kHexDigits.find(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    node += static_cast<char>(high << 4 | low);
    i += 2;
  }
  if (node.empty() || node_uri(node) != uri) return std::nullopt;  // One id, one spelling.
  return node;
}

}  // namespace muster
