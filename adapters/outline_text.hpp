// The outline of a tree of scripts as bytes, and back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/script_walk.hpp"

namespace muster {

/// Of the tree that is called `root`. Begins with a mark of the format and a check sum of all that
/// follows.
[[nodiscard]] std::string outline_text(const std::string& root, const ScriptFolder& folder);

/// Are the arguments of the jobs in this folder wanted?
using WithArgs = std::function<bool(const std::string& folder)>;

/// Nothing when `text` is damaged, of another format or of another tree. Arguments that are not wanted are
/// left out.
[[nodiscard]] std::optional<ScriptFolder> parse_outline(std::string_view text, const std::string& root,
                                                        const WithArgs& with_args);

/// Of any bytes; not against somebody who wants two that are equal.
[[nodiscard]] uint64_t check_sum(std::string_view bytes);

}  // namespace muster
