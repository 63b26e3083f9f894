// Small texts made small before they are written: LZ4, which costs less than moving the bytes it saves.
#pragma once

#include <string>
#include <string_view>

namespace muster::log {

/// Appends `text` to `out`, packed: its size (4 bytes, little endian), then an LZ4 block. False, and nothing
/// is appended, when that would save less than an eighth.
[[nodiscard]] bool pack(std::string_view text, std::string& out);

/// Sets `text` to what pack() was given. False when the bytes are not pack()'s.
[[nodiscard]] bool unpack(std::string_view bytes, std::string& text);

/// How long unpack() would make it; 0 when the bytes are not pack()'s.
[[nodiscard]] size_t unpacked_size(std::string_view bytes);

}  // namespace muster::log
