// PEM over memory BIOs.
#include "adapters/pem.hpp"

#include <array>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/hash.hpp"

namespace muster::pem {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

/// Private keys go through here, too: the BIO is one that wipes itself.
template <class Write>
std::string written(Write write) {
  const Bio out{BIO_new(BIO_s_secmem())};
  if (!out || write(out.get()) != 1) throw std::bad_alloc();
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

Bio reading(std::string_view text) {
  return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

bool allowed(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return true;
  std::array<char, 64> group{};
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                        nullptr) == 1 &&
         std::string_view{group.data()} == "prime256v1";
}

}  // namespace

std::string of(const X509* certificate) {
  return written([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string of_private(const EVP_PKEY* key) {
  return written(
    [&](BIO* out) { return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string of_public(const EVP_PKEY* key) {
  return written([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key); });
}

Result<std::shared_ptr<EVP_PKEY>> read_public(std::string_view text) {
  const auto in = reading(text);
  std::shared_ptr<EVP_PKEY> key{PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
  ERR_clear_error();
  if (!key || !allowed(key.get()))
    return Error{"field.invalid",
                 "the public key is no Ed25519 or P-256 key in PEM",
                 {{"/public_key", "is no Ed25519 or P-256 key in PEM"}}};
  return key;
}

Key read_private(std::string_view text) {
  const auto in = reading(text);
  Key key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  return key && allowed(key.get()) ? std::move(key) : Key{};
}

std::string key_fingerprint(const EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key, &bytes);
  if (size <= 0) throw std::bad_alloc();
  auto digest = sha256_hex({reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)});
  OPENSSL_free(bytes);
  return digest;
}

}  // namespace muster::pem
