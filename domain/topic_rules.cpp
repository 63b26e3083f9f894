// Checking topics, and telling how two differ.
#include "domain/topic_rules.hpp"

#include <algorithm>

namespace muster::topics {
namespace {

using environment::Outcome;

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

Error invalid(const profile::Topic& topic, const std::string& why) {
  return {"field.invalid", "topic \"" + topic.name + "\" " + why};
}

/// A text without zero bytes, in which C's end.
bool fits(const std::string& text) {
  return text.size() <= kMaxSetting && text.find('\0') == std::string::npos;
}

}  // namespace

std::string name_fault(std::string_view name) {
  if (name.empty() || name.size() > kMaxName)
    return "must have 1 to " + std::to_string(kMaxName) + " characters";
  if (!std::all_of(name.begin(), name.end(), is_allowed))
    return "must be of letters, digits, '.', '_' and '-'";
  if (name == "." || name == "..") return "must not be a folder";
  return {};
}

std::string folded(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

Status check(const profile::Topic& topic) {
  if (const auto fault = name_fault(topic.name); !fault.empty())
    return Error{"field.invalid", "a topic's name " + fault};
  if (topic.partitions < 1 || topic.partitions > kMaxPartitions)
    return invalid(topic, "must have 1 to " + std::to_string(kMaxPartitions) + " partitions");
  if (topic.replication < 1 || topic.replication > kMaxReplication)
    return invalid(topic, "must have 1 to " + std::to_string(kMaxReplication) + " replicas");
  if (topic.config.size() > kMaxSettings)
    return invalid(topic, "must have at most " + std::to_string(kMaxSettings) + " settings");
  for (const auto& [key, value] : topic.config)
    if (key.empty() || !fits(key) || !fits(value))
      return invalid(topic, "has a setting whose name or value is none");
  return Done{};
}

environment::Ensured compare(const profile::Topic& desired, const Seen& actual) {
  Outcome outcome = Outcome::in_sync;
  std::string why;
  auto is = to_json(desired);
  const auto differs = [&](Outcome how, const std::string& what) {
    outcome = std::max(outcome, how);
    why += (why.empty() ? "" : "; ") + what;
  };
  const auto other = std::find_if(actual.replicas.begin(), actual.replicas.end(),
                                  [&](int64_t count) { return count != desired.replication; });
  if (other != actual.replicas.end()) {
    is["replication"] = *other;
    differs(Outcome::incompatible, "partition " + std::to_string(other - actual.replicas.begin()) + " has " +
                                     std::to_string(*other) + " replicas, which nothing here changes");
  }
  const auto partitions = static_cast<int64_t>(actual.replicas.size());
  is["partitions"] = partitions;
  if (partitions < desired.partitions)
    differs(Outcome::drifted, "it has " + std::to_string(partitions) +
                                " partitions: more would put keys elsewhere, so that none are added");
  for (const auto& [key, value] : desired.config) {
    const auto found = actual.config.find(key);
    if (found != actual.config.end() && found->second == value) continue;
    const bool known = found != actual.config.end();
    is["config"][key] = known && found->second ? Json(*found->second) : Json(nullptr);
    differs(Outcome::drifted, key + (!known          ? " is no setting of it"
                                     : found->second ? " is " + *found->second + ", and is left so"
                                                     : " is not told"));
  }
  if (outcome == Outcome::in_sync) return {};
  return {outcome, std::move(why), to_json(desired), std::move(is)};
}

}  // namespace muster::topics
