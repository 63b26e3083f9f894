// Version 5 UUIDs are the first half of a SHA-1; they hide nothing, so its weakness does no harm.
#include "base/uuid.hpp"

#include <array>
#include <cassert>

#include <openssl/evp.h>

#include "base/bytes.hpp"

namespace muster {
namespace {

constexpr size_t kText = 36, kBytes = 16;

bool is_dash(size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

std::string without_dashes(std::string_view uuid) {
  std::string hex;
  for (const char c : uuid)
    if (c != '-') hex += c;
  return hex;
}

std::string with_dashes(std::string_view hex) {
  std::string uuid;
  for (const char c : hex) {
    if (is_dash(uuid.size())) uuid += '-';
    uuid += c;
  }
  return uuid;
}

}  // namespace

std::optional<std::string> read_uuid(std::string_view text) {
  if (text.size() != kText) return std::nullopt;
  std::string uuid(text);
  for (size_t i = 0; i < kText; i++) {
    char& c = uuid[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (is_dash(i) ? c != '-' : !hex) return std::nullopt;
  }
  return uuid;
}

std::string uuid_v5(std::string_view space, std::string_view name) {
  const auto known = read_uuid(space);
  assert(known);
  const auto named = *bytes_from_hex(without_dashes(*known)) + std::string(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(named.data(), named.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  std::string bytes(reinterpret_cast<const char*>(digest.data()), kBytes);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x50);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  return with_dashes(to_hex(bytes));
}

}  // namespace muster
