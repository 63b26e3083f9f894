// Words that end up in a command's arguments, where a stray comma or dash would ask for more than was judged.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace muster::jobs {

/// ASCII only.
[[nodiscard]] std::string lower_case(std::string_view text);

/// What may be repeated in a message: short, and nothing that a terminal would act on.
[[nodiscard]] std::string shown(std::string_view text);

/// A capability in upper case without `CAP_`: `NET_ADMIN`, or `ALL`. None when it is no such name: a comma in
/// it would be read as two.
[[nodiscard]] std::optional<std::string> capability_name(std::string_view text);

/// True for `none`, `host`, `bridge`, the name of a network, or a mode with options, like `container:db`.
[[nodiscard]] bool is_network(std::string_view text);

/// True for `/...` without a NUL and without a part that is `..`.
[[nodiscard]] bool is_absolute_path(std::string_view text);

}  // namespace muster::jobs
