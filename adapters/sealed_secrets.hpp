// Sealed values in the store: written before the log tells of them, erased after it says they are gone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/keys.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// Seals `value` under the id `secret`, bound to it, and syncs. Error: `log.unwritable`.
Status store_secret(log::Disk& disk, const Keys& keys, std::string_view secret, std::string_view value);

/// Error: `not.found`; `internal` when the bytes were changed or another node sealed them.
Result<std::string> load_secret(const log::Disk& disk, const Keys& keys, std::string_view secret);

/// Error: `log.unwritable`.
Status erase_secrets(log::Disk& disk, const std::vector<std::string>& secrets);

/// The ids of all that is sealed here.
[[nodiscard]] std::vector<std::string> sealed_secrets(const log::Disk& disk);

}  // namespace muster
