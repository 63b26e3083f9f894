// Bytes in strings: out of digests, out of hex, out of the system's generator.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"

namespace muster {

[[nodiscard]] std::string bytes_of(const Digest& digest);
/// Reads lower-case hex, two characters a byte. Nothing when it is none, or is empty.
[[nodiscard]] std::optional<std::string> bytes_from_hex(std::string_view hex);
/// `n` bytes from the system's generator.
[[nodiscard]] std::string random_bytes(size_t n);

}  // namespace muster
