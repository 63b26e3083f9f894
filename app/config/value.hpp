// What a setting may hold, and how its text is read: one strict reader for file, environment and flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/time.hpp"

namespace muster::config {

enum class Type : uint8_t { text, boolean, integer, duration, bytes };

/// Integers and bytes are an int64_t.
using Value = std::variant<std::string, bool, int64_t, Millis>;

/// Go's ParseBool: 1 t T TRUE true True 0 f F FALSE false False. Error: `config.invalid`.
[[nodiscard]] Result<bool> parse_bool(std::string_view text);

/// 1048576, 1KiB, 16 MiB, 2GB: binary and decimal units, any letter case. Error: `config.invalid`.
[[nodiscard]] Result<int64_t> parse_bytes(std::string_view text);

/// Reads `text` as `type`. The error's detail says what was expected, with an example.
[[nodiscard]] Result<Value> parse_value(Type type, std::string_view text);

/// The text that parse_value would read back, in the largest unit that loses nothing: 1MiB, 24h.
[[nodiscard]] std::string to_text(Type type, const Value& value);

}  // namespace muster::config
