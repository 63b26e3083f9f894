// Digests over libcrypto: the algorithm is fetched once, contexts are reused per thread.
#include "base/hash.hpp"

#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/bytes.hpp"

namespace muster {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// Fetching by name costs more than hashing a line, so it is done once.
const EVP_MD* algorithm() {
  static const EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

EVP_MD_CTX* as_context(void* p) {
  return static_cast<EVP_MD_CTX*>(p);
}

std::string hex(const uint8_t* bytes, size_t n) {
  std::string text(n * 2, '0');
  for (size_t i = 0; i < n; i++) {
    text[2 * i] = kHexDigits[bytes[i] >> 4];
    text[2 * i + 1] = kHexDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(as_context(context_), algorithm(), nullptr);
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(as_context(context_));
}

void Sha256::add(std::string_view bytes) {
  EVP_DigestUpdate(as_context(context_), bytes.data(), bytes.size());
}

Digest Sha256::finish() {
  Digest digest;
  EVP_DigestFinal_ex(as_context(context_), digest.data(), nullptr);
  EVP_DigestInit_ex(as_context(context_), nullptr, nullptr);
  return digest;
}

Digest sha256(std::string_view bytes) {
  thread_local Sha256 hasher;
  hasher.add(bytes);
  return hasher.finish();
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest digest;
  unsigned size = 0;
  HMAC(algorithm(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(), &size);
  return digest;
}

void append_hex(std::string& out, const Digest& digest) {
  std::array<char, 2 * std::tuple_size_v<Digest>> text{};
  for (size_t i = 0; i < digest.size(); i++) {
    text[2 * i] = kHexDigits[digest[i] >> 4];
    text[2 * i + 1] = kHexDigits[digest[i] & 15];
  }
  out.append(text.data(), text.size());
}

std::string to_hex(const Digest& digest) {
  return hex(digest.data(), digest.size());
}

std::string to_hex(std::string_view bytes) {
  return hex(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < hex.size(); i++) {
    const auto value = kHexDigits.find(hex[i]);
    if (value == std::string_view::npos) return std::nullopt;
    digest[i / 2] = static_cast<uint8_t>(size_t{digest[i / 2]} << 4 | value);
  }
  return digest;
}

std::string random_hex(size_t n) {
  return to_hex(random_bytes(n));
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace muster
