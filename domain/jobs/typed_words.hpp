// Words as people write them: whole numbers in any base, truths, and how a word is shown in a message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::jobs {

/// A whole number of 64 bits: `5`, `-5`, `0x1f`, `0o17`, `017`, `0b11`, with single `_` between digits.
[[nodiscard]] std::optional<int64_t> integer_of(std::string_view text);

/// 1 t T TRUE true True, 0 f F FALSE false False.
[[nodiscard]] std::optional<bool> boolean_of(std::string_view text);

/// In quotes, and cut where it is long: a message is no place for a whole file.
[[nodiscard]] std::string shown_word(std::string_view text);

/// Equal, prefix: letters of ASCII in either case.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b);
[[nodiscard]] bool begins_with(std::string_view text, std::string_view prefix);

}  // namespace muster::jobs
