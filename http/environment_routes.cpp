// This node's environment over HTTP: what each resource came to, what is not as desired, and a look now.
#include "actors/environment.hpp"
#include "http/environment_shown.hpp"
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

void show_route(Api& api, const Request& request, const Reply& reply) {
  auto* environment = environment_of(api, request, reply);
  if (!environment) return;
  const bool all = request.query_value("all") == "true";
  Json components = Json::array();
  for (const auto& report : environment->seen()) {
    components.push_back(shown(*report, all));
    if (const auto* left = environment->left_behind(report->component))
      components.back()["left_behind"] = {
        {"backend", left->backend}, {"resources", left->resources}, {"total", left->total}};
  }
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
  const auto only = only_of(wanted.component);
  if (!only) return reply(problem(only.error(), request.id));
  const auto begun = environment->look(
    wanted.dry_run, *only, [reply, node = environment->node()](const std::vector<Report>& reports) {
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
