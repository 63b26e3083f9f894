// This node's environment over HTTP: what each resource came to, what is not as desired, and a look now.
#include "actors/environment.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

using environment::Report;
using environment::Row;

/// POST /v1/environment/apply.
struct LookBody {
  bool dry_run = false;
  std::string component;  ///< Empty: all of them.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dry_run", self.dry_run);
    visit("component", self.component);
  }
};

Json shown(const Row& row) {
  Json json{{"kind", row.kind}, {"name", row.name}, {"status", row.status}};
  if (!row.detail.empty()) json["detail"] = row.detail;
  if (!row.desired.is_null()) json["desired"] = row.desired;
  if (!row.actual.is_null()) json["actual"] = row.actual;
  return json;
}

/// A path or a server's words may be any bytes.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json counts_of(const Report& report) {
  Json counts = Json::object();
  for (const auto& row : report.rows) counts[row.status] = counts.value(row.status, uint64_t{0}) + 1;
  return counts;
}

/// Without `all`, only the resources that are not as they should be.
Json shown(const Report& report, bool all) {
  Json rows = Json::array();
  for (const auto& row : report.rows)
    if (all || row.status != "in_sync") rows.push_back(shown(row));
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

/// The node's environment, or an answer that it keeps none.
Environment* environment_of(Api& api, const Request& request, const Reply& reply) {
  if (auto* environment = api.options().environment) return environment;
  reply(problem({"not.found", "this node keeps no environment", {}}, request.id));
  return nullptr;
}

void show_route(Api& api, const Request& request, const Reply& reply) {
  auto* environment = environment_of(api, request, reply);
  if (!environment) return;
  const bool all = request.query_value("all") == "true";
  Json components = Json::array();
  for (const auto& report : environment->seen()) components.push_back(shown(*report, all));
  reply(json_response(text_of({{"node_id", environment->node()}, {"components", std::move(components)}})));
}

/// What differs from what is desired and was not mended by the last look.
void drift_route(Api& api, const Request& request, const Reply& reply) {
  auto* environment = environment_of(api, request, reply);
  if (!environment) return;
  Json drift = Json::array();
  for (const auto& report : environment->seen())
    for (const auto& row : report->rows) {
      if (row.status == "in_sync" || row.status == "changed") continue;
      auto json = shown(row);
      json["component"] = environment::to_text(report->component);
      drift.push_back(std::move(json));
    }
  reply(json_response(text_of({{"node_id", environment->node()}, {"drift", std::move(drift)}})));
}

void apply_route(Api& api, const Request& request, const Reply& reply) {
  LookBody wanted;
  if (!request.body.empty()) {
    auto body = read_body<LookBody>(request, reply, Unknown::refuse);
    if (!body) return;
    wanted = std::move(*body);
  }
  auto* environment = environment_of(api, request, reply);
  if (!environment) return;
  std::optional<environment::Component> only;
  if (!wanted.component.empty()) {
    const auto component = environment::component_of(wanted.component);
    if (!component)
      return reply(problem(
        {"field.invalid", component.error().detail, {{"/component", component.error().detail}}}, request.id));
    only = *component;
  }
  const auto begun = environment->look(
    wanted.dry_run, only, [reply, node = environment->node()](const std::vector<Report>& reports) {
      Json components = Json::array();
      for (const auto& report : reports) components.push_back(shown(report, false));
      reply(json_response(text_of({{"node_id", node}, {"components", std::move(components)}})));
    });
  if (!begun) reply(problem(begun.error(), request.id));
}

}  // namespace

void add_environment_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::get, "/v1/environment",
              [&api](const Request& q, const Reply& r) { show_route(api, q, r); }, "read", false, true});
  router.add({Method::get, "/v1/drift", [&api](const Request& q, const Reply& r) { drift_route(api, q, r); },
              "read", false, true});
  router.add({Method::post, "/v1/environment/apply",
              [&api](const Request& q, const Reply& r) { apply_route(api, q, r); }, "admin", true, true});
}

}  // namespace muster::http
