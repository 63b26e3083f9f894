// Checking and merging what buckets are to hold; nothing here knows where they are.
#include "domain/bucket_rules.hpp"

#include <algorithm>
#include <set>

namespace muster::buckets {
namespace {

using environment::Ensured;
using environment::Outcome;

constexpr size_t kNamed = 5;       // Names that a detail spells out.
constexpr size_t kMaxShown = 255;  // Bytes of a name that is shown though it is none.

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_address(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 && name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool plain_text(std::string_view text) {
  return is_utf8(text) && !has_control(text);
}

bool showable(const std::string& name) {
  return plain_text(name) && name.size() <= kMaxShown;
}

std::string rule_fault(const profile::LifecycleRule& rule) {
  if (rule.id.empty() || rule.id.size() > kMaxRuleId || !plain_text(rule.id))
    return "has an id that is not 1 to " + std::to_string(kMaxRuleId) + " printable bytes";
  if (rule.prefix.size() > kMaxPrefix || !plain_text(rule.prefix))
    return "has a prefix that is not printable or longer than " + std::to_string(kMaxPrefix) + " bytes";
  return rule.expire_days < 1 ? "expires in less than a day" : "";
}

std::string tag_fault(const std::string& key, const std::string& value) {
  if (key.empty() || characters(key) > kMaxTagKey || !plain_text(key))
    return "has a key that is not 1 to " + std::to_string(kMaxTagKey) + " printable characters";
  if (key.starts_with("aws:")) return "is of those that only AWS may give";
  if (characters(value) > kMaxTagValue || !plain_text(value))
    return "has a value that is not printable or longer than " + std::to_string(kMaxTagValue) + " characters";
  return {};
}

Error too_many(const char* what, size_t would, size_t limit) {
  return {"field.invalid", "the bucket would have " + std::to_string(would) + " " + what + ", and may have " +
                             std::to_string(limit)};
}

/// Of a rule or tag.
Error faulty(std::string_view what, const std::string& bucket, const std::string& name,
             const std::string& fault) {
  std::string detail(what);
  detail.append(" of ").append(bucket);
  if (showable(name)) detail.append(" named \"").append(name).append("\"");
  return {"field.invalid", detail.append(" ").append(fault)};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamed); i++)
    text.append(i == 0 ? "" : ", ").append(names[i]);
  if (names.size() > kNamed)
    text.append(" and ").append(std::to_string(names.size() - kNamed)).append(" more");
  return text;
}

Json to_json(const SeenRule& rule) {
  Json json{{"id", rule.id}, {"prefix", rule.prefix}, {"expire_days", nullptr}};
  if (rule.expire_days) json["expire_days"] = *rule.expire_days;
  if (!rule.enabled) json["status"] = "Disabled";
  if (rule.more) json["more"] = true;
  return json;
}

bool same(const SeenRule& actual, const profile::LifecycleRule& desired) {
  return actual.enabled && actual.prefix == desired.prefix && actual.expire_days == desired.expire_days;
}

}  // namespace

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(
    text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string name_fault(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return "must have 3 to 63 characters";
  if (!std::all_of(name.begin(), name.end(), [](char c) { return alphanumeric(c) || c == '.' || c == '-'; }))
    return "may have only a-z, 0-9, '.' and '-'";
  if (!alphanumeric(name.front()) || !alphanumeric(name.back()))
    return "must begin and end with a letter or digit";
  if (name.find("..") != std::string_view::npos) return "must not have two dots in a row";
  return is_address(name) ? "must not be an IP address" : "";
}

std::string key_fault(std::string_view key) {
  constexpr size_t kMaxFileName = 255;
  if (key.empty() || key.size() > kMaxObjectKey)
    return "must have 1 to " + std::to_string(kMaxObjectKey) + " bytes";
  if (!plain_text(key)) return "must be UTF-8 without control characters";
  for (size_t at = 0; at <= key.size();) {
    const auto end = std::min(key.find('/', at), key.size());
    const auto part = key.substr(at, end - at);
    if (part.empty() || part == "." || part == "..")
      return "must not have a part that is empty, \".\" or \"..\"";
    if (part.size() > kMaxFileName)
      return "must not have a part of more than " + std::to_string(kMaxFileName) + " bytes";
    at = end + 1;
  }
  return {};
}

Status check(const std::string& bucket) {
  const auto fault = name_fault(bucket);
  if (fault.empty()) return Done{};
  return Error{"field.invalid",
               "the name of a bucket " + (showable(bucket) ? "(" + bucket + ") " : "") + fault};
}

Status check(const std::string& bucket, const std::vector<profile::LifecycleRule>& rules) {
  if (auto named = check(bucket); !named) return named;
  std::set<std::string_view> ids;
  for (const auto& rule : rules) {
    auto fault = rule_fault(rule);
    if (fault.empty() && !ids.insert(rule.id).second) fault = "is there twice";
    if (!fault.empty()) return faulty("a lifecycle rule", bucket, rule.id, fault);
  }
  return Done{};
}

Status check(const std::string& bucket, const Tags& tags) {
  if (auto named = check(bucket); !named) return named;
  for (const auto& [key, value] : tags)
    if (const auto fault = tag_fault(key, value); !fault.empty()) return faulty("a tag", bucket, key, fault);
  return Done{};
}

Ensured compare_bucket(const std::string& bucket, bool exists) {
  if (exists) return {};
  return {Outcome::changed, "the bucket is missing", Json{{"name", bucket}}, nullptr};
}

Ensured compare_versioning(bool desired, Versioning actual) {
  const bool on = actual == Versioning::enabled;
  if (on == desired) return {};
  if (desired)
    return {Outcome::changed, actual == Versioning::never ? "versioning is off" : "versioning is suspended",
            true, false};
  return {Outcome::drifted, "versioning is on, and is never turned off", false, true};
}

Result<RuleMerge> merge(const std::vector<SeenRule>& actual,
                        const std::vector<profile::LifecycleRule>& desired) {
  std::map<std::string_view, const SeenRule*> known;
  for (const auto& rule : actual)
    if (!rule.id.empty()) known.emplace(rule.id, &rule);
  RuleMerge merged;
  std::vector<bootstrap::Thing> added;
  std::vector<std::string> missing, differing;
  Json wanted = Json::array(), there = Json::array();
  for (const auto& rule : desired) {
    const auto found = known.find(rule.id);
    if (found != known.end() && same(*found->second, rule)) continue;
    wanted.push_back(to_json(rule));
    if (found == known.end()) {
      merged.missing.push_back(rule);
      added.push_back({"rule", "", rule.id, RawJson{to_json(rule).dump()}});
      missing.push_back(rule.id);
    } else {
      there.push_back(to_json(*found->second));
      differing.push_back(rule.id);
    }
  }
  if (wanted.empty()) return merged;
  if (!missing.empty() && actual.size() + missing.size() > kMaxRules)
    return too_many("lifecycle rules", actual.size() + missing.size(), kMaxRules);
  std::string detail;
  if (!missing.empty()) detail = "rules are missing: " + listed(missing);
  if (!differing.empty())
    detail.append(detail.empty() ? "" : "; ").append("rules differ and are left alone: " + listed(differing));
  merged.told = {differing.empty() ? Outcome::changed : Outcome::drifted,
                 std::move(detail),
                 std::move(wanted),
                 std::move(there),
                 !missing.empty() && !differing.empty(),
                 std::move(added)};
  return merged;
}

Result<TagMerge> merge(const Tags& actual, const Tags& desired) {
  TagMerge merged;
  std::vector<bootstrap::Thing> added;
  std::vector<std::string> names;
  Json wanted = Json::object(), there = Json::object();
  size_t would = actual.size();
  for (const auto& [key, value] : desired) {
    const auto found = actual.find(key);
    if (found != actual.end() && found->second == value) continue;
    merged.additions.emplace(key, value);
    names.push_back(key);
    wanted[key] = value;
    if (found != actual.end()) {
      there[key] = found->second;
      continue;
    }
    would++;
    added.push_back({"tag", "", key, RawJson{Json{{"key", key}, {"value", value}}.dump()}});
  }
  if (names.empty()) return merged;
  if (would > std::max(kMaxTags, actual.size())) return too_many("tags", would, kMaxTags);
  merged.told = {Outcome::changed,
                 "tags are missing or differ: " + listed(names),
                 std::move(wanted),
                 std::move(there),
                 false,
                 std::move(added)};
  return merged;
}

Ensured compare_removal(const std::vector<SeenRule>& actual, const profile::LifecycleRule& as_added) {
  std::vector<SeenRule> found;
  for (const auto& rule : actual)
    if (rule.id == as_added.id) found.push_back(rule);
  if (found.empty()) return {};
  Json there = Json::array();
  for (const auto& rule : found) there.push_back(to_json(rule));
  if (found.size() == 1 && same(found[0], as_added) && !found[0].more)
    return {Outcome::changed, "the rule " + as_added.id + " is no longer wanted", nullptr, std::move(there)};
  return {Outcome::drifted, "the rule " + as_added.id + " is not as it was added, and is left alone",
          Json::array({to_json(as_added)}), std::move(there)};
}

Ensured compare_removal(const Tags& actual, const std::string& key, const std::string& as_added) {
  const auto found = actual.find(key);
  if (found == actual.end()) return {};
  Json there{{key, found->second}};
  if (found->second == as_added)
    return {Outcome::changed, "the tag " + key + " is no longer wanted", nullptr, std::move(there)};
  return {Outcome::drifted, "the tag " + key + " is not as it was added, and is left alone",
          Json{{key, as_added}}, std::move(there)};
}

std::vector<size_t> vanished(const std::vector<SeenRule>& before, const std::vector<SeenRule>& after) {
  std::set<std::string_view> ids;
  for (const auto& rule : after)
    if (!rule.id.empty()) ids.insert(rule.id);
  std::vector<size_t> gone;
  for (size_t i = 0; i < before.size(); i++) {
    const auto& rule = before[i];
    // A server may have given an id to one that had none.
    const bool there = rule.id.empty() ? std::any_of(after.begin(), after.end(),
                                                     [&](SeenRule other) {
                                                       other.id.clear();
                                                       return other == rule;
                                                     })
                                       : ids.count(rule.id) > 0;
    if (!there) gone.push_back(i);
  }
  return gone;
}

}  // namespace muster::buckets
