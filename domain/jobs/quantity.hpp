// How much CPU and memory: `500m`, `1.5`, `512Mi`, `1g`, as whole millicores and bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster::jobs {

constexpr size_t kMaxQuantity = 32;  ///< Characters of one.

/// Millicores of `1000m` or of cores, `1.5` (contract, section 10). Zero is refused, since runtimes read it
/// as "no limit", and so is what is finer than a millicore. Error: `E_IMAGE_POLICY`.
Result<int64_t> parse_cpu(std::string_view text);

/// Bytes of `512Mi`, `512MiB`, `512m` or plain bytes; every unit counts in 1024, in any letter case, and
/// there is no `MB`, which half of the world reads as 1000. Error: `E_IMAGE_POLICY`.
Result<int64_t> parse_memory(std::string_view text);

/// Cores as a decimal number, as `--cpus` wants them: 1500 is `1.5`.
[[nodiscard]] std::string cores(int64_t millis);

}  // namespace muster::jobs
