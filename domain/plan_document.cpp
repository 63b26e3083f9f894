// Building the plan document.
#include "domain/plan_document.hpp"

#include "base/hash.hpp"

namespace muster::plan {
namespace {

constexpr int kVersion = 1;

Json desired(const DocumentInput& input, const std::vector<App>& apps) {
  Json json{{"version", kVersion}, {"node", input.node}};
  if (!input.executor.empty()) json["executor"] = input.executor;
  json["apps"] = to_json(apps);
  return json;
}

}  // namespace

std::string role_of(const DocumentInput& input) {
  if (input.holds_lease) return "leader";
  if (input.template_file == "camera-proxy.yaml" || input.role_hint == "proxy") return "proxy";
  return "worker";
}

std::string generation_of(const DocumentInput& input, const std::vector<App>& ordered) {
  return sha256_hex(canonical_json(desired(input, ordered)));
}

Result<Json> plan_document(const DocumentInput& input) {
  const auto ordered = start_order(input.apps);
  if (!ordered) return ordered.error();
  Json json = desired(input, input.apps);
  json["role"] = role_of(input);
  json["services"] = Json::array();
  for (const auto& app : *ordered) json["services"].push_back(app.name);
  json["control_plane_url"] = input.control_plane_url;
  json["gateway_url"] = input.gateway_url;
  if (!input.cluster.empty()) json["cluster"] = input.cluster;
  json["epoch"] = input.epoch;
  json["ttl_seconds"] = input.ttl_seconds;
  json["generation"] = generation_of(input, *ordered);
  return json;
}

}  // namespace muster::plan
