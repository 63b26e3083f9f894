// Showing looks at an environment.
#include "http/environment_shown.hpp"

namespace muster::http {

using environment::Report;
using environment::Row;

namespace {

Json counts_of(const Report& report) {
  Json counts = Json::object();
  for (const auto& row : report.rows) counts[row.status] = counts.value(row.status, uint64_t{0}) + 1;
  return counts;
}

}  // namespace

Json shown(const Row& row) {
  Json json{{"kind", row.kind}, {"name", row.name}, {"status", row.status}};
  if (!row.detail.empty()) json["detail"] = row.detail;
  if (!row.desired.is_null()) json["desired"] = row.desired;
  if (!row.actual.is_null()) json["actual"] = row.actual;
  return json;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json shown(const Report& report, bool all) {
  Json rows = Json::array();
  for (const auto& row : report.rows)
    if (all || row.status != "in_sync" || row.unseen) rows.push_back(shown(row));
  return {{"component", environment::to_text(report.component)},
          {"backend", report.backend},
          {"status", environment::status_of(report)},
          {"generation", report.generation},
          {"idempotency_key", report.key},
          {"attempt", report.attempt},
          {"dry_run", report.dry_run},
          {"at", to_rfc3339(report.at)},
          {"duration_ms", report.took.count()},
          {"counts", counts_of(report)},
          {"resources", std::move(rows)}};
}

Environment* environment_of(Api& api, const Request& request, const Reply& reply) {
  if (auto* environment = api.options().environment) return environment;
  reply(problem({"not.found", "this node keeps no environment", {}}, request.id));
  return nullptr;
}

Result<std::optional<environment::Component>> only_of(const std::string& component) {
  if (component.empty()) return std::optional<environment::Component>{};
  const auto known = environment::component_of(component);
  if (!known) return Error{"field.invalid", known.error().detail, {{"/component", known.error().detail}}};
  return std::optional{*known};
}

}  // namespace muster::http
