// What Kafka's topics may be called and have, and how one that is there compares with the one desired: the
// rules of every implementation (backends contract, section 4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster::topics {

constexpr size_t kMaxName = 249;            ///< Bytes.
constexpr int64_t kMaxPartitions = 10'000;  ///< Of one topic.
constexpr int64_t kMaxReplication = 32;
constexpr size_t kMaxSettings = 100;  ///< Of one topic.
constexpr size_t kMaxSetting = 4096;  ///< Bytes of a setting's name, and of its value.

/// The reason `name` is no topic's, or nothing: 1 to 249 of letters, digits, '.', '_' and '-', not "." or
/// "..".
[[nodiscard]] std::string name_fault(std::string_view name);

/// Names that are equal here cannot both be: Kafka's metrics tell '.' and '_' not apart.
[[nodiscard]] std::string folded(std::string name);

/// Error: `field.invalid`.
[[nodiscard]] Status check(const profile::Topic& topic);

/// A topic as it was read, as far as it is compared.
struct Seen {
  std::vector<int64_t> replicas{};  ///< How many each partition has.
  /// The value of each setting that was asked for; nothing: it is not told. One that the cluster does not
  /// know is not here, and one that is not as desired may be as it is shown: one short line.
  std::map<std::string, std::optional<std::string>> config{};
};

/// More partitions than desired are in sync, fewer have drifted, as has a setting of another value: neither
/// is changed by itself. Other replicas are incompatible. Both sides have only the settings that are desired.
[[nodiscard]] environment::Ensured compare(const profile::Topic& desired, const Seen& actual);

}  // namespace muster::topics
