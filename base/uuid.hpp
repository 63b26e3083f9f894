// UUIDs as text: reading one, and making one of a name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// The 36 characters of a UUID, in lower case; nothing when `text` is none.
[[nodiscard]] std::optional<std::string> read_uuid(std::string_view text);

/// The version 5 UUID (RFC 9562, section 5.5) of a name in a space, which is itself a UUID.
[[nodiscard]] std::string uuid_v5(std::string_view space, std::string_view name);

}  // namespace muster
