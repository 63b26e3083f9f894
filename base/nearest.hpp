// What somebody probably meant: the known word nearest to an unknown one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace muster {

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

/// The word with the fewest edits, the first of equals; none when even that one is more than half different.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> known);

/// "; did you mean 'x'?", or nothing when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace muster
