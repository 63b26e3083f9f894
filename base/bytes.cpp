// Digests, hex and randomness as plain bytes.
#include "base/bytes.hpp"

#include <stdexcept>

#include <openssl/rand.h>

namespace muster {

std::string bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::optional<std::string> bytes_from_hex(std::string_view hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (hex.empty() || hex.size() % 2 != 0) return std::nullopt;
  std::string bytes(hex.size() / 2, '\0');
  for (size_t i = 0; i < hex.size(); i++) {
    const auto value = kDigits.find(hex[i]);
    if (value == std::string_view::npos) return std::nullopt;
    bytes[i / 2] = static_cast<char>(size_t{static_cast<unsigned char>(bytes[i / 2])} << 4 | value);
  }
  return bytes;
}

std::string random_bytes(size_t n) {
  std::string bytes(n, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(n)) != 1)
    throw std::runtime_error("the system has no randomness");
  return bytes;
}

}  // namespace muster
