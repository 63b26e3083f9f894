// Packing and unpacking over libzstd.
#include "events/log/squeeze.hpp"

#include <zstd.h>

namespace muster::log {
namespace {

constexpr int kLevel = 1;

Error corrupt(const char* what) {
  return {"log.corrupt", std::string("packed text does not unpack: ") + what, {}};
}

}  // namespace

std::string squeeze(std::string_view text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), kLevel));
  return bytes;
}

Result<std::string> unsqueeze(std::string_view bytes) {
  const auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return corrupt("no size");
  if (size > kMaxUnpacked) return corrupt("too large");
  std::string text(size, '\0');
  const auto got = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got)) return corrupt(ZSTD_getErrorName(got));
  if (got != size) return corrupt("cut off");
  return text;
}

}  // namespace muster::log
