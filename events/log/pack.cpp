// Packing and unpacking over liblz4.
#include "events/log/pack.hpp"

#include <cstdint>
#include <cstring>

#include <lz4.h>

namespace muster::log {
namespace {

constexpr size_t kWorthIt = 512;  // Shorter texts repeat too little.
constexpr size_t kMostText = size_t{64} << 20;
constexpr int kHurry = 4;  // Lines repeat so much that a quick search finds nearly everything.

}  // namespace

bool pack(std::string_view text, std::string& out) {
  if (text.size() < kWorthIt || text.size() > kMostText) return false;
  const auto before = out.size();
  const auto size = static_cast<uint32_t>(text.size());
  const auto most = text.size() - text.size() / 8;
  out.resize(before + sizeof size + most);
  std::memcpy(&out[before], &size, sizeof size);
  const auto packed = LZ4_compress_fast(text.data(), &out[before + sizeof size], static_cast<int>(size),
                                        static_cast<int>(most), kHurry);
  out.resize(packed > 0 ? before + sizeof size + static_cast<size_t>(packed) : before);
  return packed > 0;
}

size_t unpacked_size(std::string_view bytes) {
  uint32_t size = 0;
  if (bytes.size() < sizeof size || bytes.size() > kMostText) return 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  return size <= kMostText ? size : 0;
}

bool unpack(std::string_view bytes, std::string& text) {
  const auto size = unpacked_size(bytes);
  if (size == 0) return false;
  text.resize(size);
  bytes.remove_prefix(sizeof(uint32_t));
  return LZ4_decompress_safe(bytes.data(), text.data(), static_cast<int>(bytes.size()),
                             static_cast<int>(size)) == static_cast<int>(size);
}

}  // namespace muster::log
