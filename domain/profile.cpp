// Publishing profiles, and the hashes that name them.
#include "domain/profile.hpp"

#include "base/hash.hpp"

namespace muster::profile {

Json to_json(const LifecycleRule& rule) {
  return {{"id", rule.id}, {"prefix", rule.prefix}, {"expire_days", rule.expire_days}};
}

Json to_json(const IndexClass& spec) {
  Json properties = Json::array();
  for (const auto& property : spec.properties)
    properties.push_back({{"name", property.name}, {"type", property.type}});
  return {{"name", spec.name}, {"properties", std::move(properties)}};
}

Json to_json(const Exchange& exchange) {
  return {{"name", exchange.name}, {"type", exchange.type}};
}

Json to_json(const Queue& queue) {
  return {{"name", queue.name}, {"ttl", queue.ttl}, {"dlx", queue.dlx}};
}

Json to_json(const Binding& binding) {
  return {{"exchange", binding.exchange}, {"queue", binding.queue}, {"key", binding.key}};
}

Json to_json(const Topic& topic) {
  return {{"name", topic.name},
          {"partitions", topic.partitions},
          {"replication", topic.replication},
          {"config", Json(topic.config)}};
}

namespace {

Json to_json(const Bucket& bucket) {
  Json rules = Json::array();
  for (const auto& rule : bucket.lifecycle) rules.push_back(to_json(rule));
  return {{"name", bucket.name},
          {"versioned", bucket.versioned},
          {"lifecycle", std::move(rules)},
          {"tags", Json(bucket.tags)}};
}

template <class T>
Json list(const std::vector<T>& entries) {
  Json json = Json::array();
  for (const auto& entry : entries) json.push_back(to_json(entry));
  return json;
}

}  // namespace

Json sections(const Profile& profile) {
  Json json = Json::object();
  json["storage"] = list(profile.storage);
  json["broker"]["exchanges"] = list(profile.exchanges);
  json["broker"]["queues"] = list(profile.queues);
  json["broker"]["bindings"] = list(profile.bindings);
  json["index"]["classes"] = list(profile.classes);
  json["topics"] = list(profile.topics);
  if (!profile.modes.empty()) json["modes"] = profile.modes;
  return json;
}

std::string generation(const Profile& profile) {
  return sha256_hex(canonical_json(sections(profile)));
}

Json to_json(const Profile& profile) {
  Json json{{"generation", generation(profile)}};
  json.update(sections(profile));
  return json;
}

std::string desired_hash(const Json& section) {
  return sha256_hex(canonical_json(section));
}

std::string idempotency_key(std::string_view node, std::string_view component, std::string_view generation,
                            std::string_view desired_hash) {
  Sha256 hash;
  for (const auto part : {node, component, generation, desired_hash}) hash.add(part);
  return to_hex(hash.finish());
}

}  // namespace muster::profile
