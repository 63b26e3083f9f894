// What is computed from the question alone: the tenancy plan, and the catalog.
#include "domain/catalog.hpp"
#include "domain/tenancy.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// POST /v1/tenancy/plan (supervisor contract, section 7). An empty body is profile "" with 0 nodes.
void tenancy_route(const Request& request, const Reply& reply) {
  auto body = request.body.empty() ? Result<Json>{Json()} : parse_json(request.body);
  if (!body) return reply(problem(body.error(), request.id));
  const auto asked = tenancy::parse(*body);
  if (!asked) return reply(problem(asked.error(), request.id));
  reply(json_response(tenancy::plan(*asked).dump()));
}

}  // namespace

void add_tenancy_routes(Api& api) {
  api.router().add({Method::post, "/v1/tenancy/plan", tenancy_route, "plan.read", true, true});
  api.router().add({Method::get, "/v1/catalog",
                    [text = catalog::to_json(catalog::build_index()).dump()](
                      const Request&, const Reply& reply) { reply(json_response(text)); },
                    "read"});
}

}  // namespace muster::http
