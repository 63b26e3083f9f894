// What buckets may be called and hold, and how what is desired is merged with what is there: one set of rules
// for every object storage (backends contract, section 2).
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

namespace muster::buckets {

constexpr size_t kMaxRules = 1000;      ///< Lifecycle rules of a bucket, foreign ones included.
constexpr size_t kMaxRuleId = 255;      ///< Bytes.
constexpr size_t kMaxPrefix = 1024;     ///< Bytes.
constexpr size_t kMaxTags = 50;         ///< Tags of a bucket, foreign ones included.
constexpr size_t kMaxTagKey = 128;      ///< Characters.
constexpr size_t kMaxTagValue = 256;    ///< Characters.
constexpr size_t kMaxObjectKey = 1024;  ///< Bytes.

using Tags = std::map<std::string, std::string>;

/// Of a text in UTF-8.
[[nodiscard]] size_t characters(std::string_view text);

/// The reason `name` is no bucket's, or nothing: 3 to 63 of a-z, 0-9, '.' and '-', a letter or digit at both
/// ends, no ".." and no IP address.
[[nodiscard]] std::string name_fault(std::string_view name);

/// The reason `key` is no object's of a folder, or nothing: parts between slashes that are file names.
[[nodiscard]] std::string key_fault(std::string_view key);

/// `field.invalid` when a bucket cannot have this name, these rules or these tags.
Status check(const std::string& bucket);
Status check(const std::string& bucket, const std::vector<profile::LifecycleRule>& rules);
Status check(const std::string& bucket, const Tags& tags);

/// A lifecycle rule as it was read, as far as it is compared.
struct SeenRule {
  std::string id{};  ///< Empty: it has none.
  std::string prefix{};
  std::optional<int64_t> expire_days{};  ///< Nothing: it does something else.
  bool enabled = true;
  bool more = false;  ///< It has what the profile knows no word for.
  bool operator==(const SeenRule&) const = default;
};

enum class Versioning : uint8_t { never, enabled, suspended };

/// What there is to write, and what is told of it.
struct RuleMerge {
  std::vector<profile::LifecycleRule> missing;  ///< In the order desired.
  environment::Ensured told;
};
struct TagMerge {
  Tags additions;  ///< New keys, and those that get another value.
  environment::Ensured told;
};

/// The bucket, by whether it is there.
[[nodiscard]] environment::Ensured compare_bucket(const std::string& bucket, bool exists);
/// `changed` means that it is to be enabled.
[[nodiscard]] environment::Ensured compare_versioning(bool desired, Versioning actual);
/// Error: `field.invalid` when there would be more than kMaxRules.
Result<RuleMerge> merge(const std::vector<SeenRule>& actual,
                        const std::vector<profile::LifecycleRule>& desired);
/// Error: `field.invalid` when there would be more than kMaxTags.
Result<TagMerge> merge(const Tags& actual, const Tags& desired);

/// What muster added may be removed, `changed`, when it is there as it was added and has nothing more;
/// otherwise it has drifted, or is gone, which is in sync.
[[nodiscard]] environment::Ensured compare_removal(const std::vector<SeenRule>& actual,
                                                   const profile::LifecycleRule& as_added);
[[nodiscard]] environment::Ensured compare_removal(const Tags& actual, const std::string& key,
                                                   const std::string& as_added);

/// The rules of `before` that are not in `after`: those with an id by it, others by what they do.
[[nodiscard]] std::vector<size_t> vanished(const std::vector<SeenRule>& before,
                                           const std::vector<SeenRule>& after);

}  // namespace muster::buckets
