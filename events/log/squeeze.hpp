// Large texts made small: Zstandard; nothing unpacks beyond a limit.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster::log {

/// What unpacks to more than this is refused.
constexpr size_t kMaxUnpacked = size_t{1} << 30;

[[nodiscard]] std::string squeeze(std::string_view text);
/// Error: `log.corrupt` when the bytes are not what squeeze() made.
Result<std::string> unsqueeze(std::string_view bytes);

}  // namespace muster::log
