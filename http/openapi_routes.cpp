// GET /openapi.json: what this very build serves.
#include "base/hash.hpp"
#include "http/openapi.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// Made when it is first asked for: few nodes ever are, and by then every route is there.
struct Description {
  Bytes text;
  std::string etag;
};

Result<Description> describe(const Api& api, const std::vector<Route>& routes) {
  const auto document = openapi_document(openapi_pieces(), routes, api.options().version);
  if (!document) return document.error();
  auto text = document->dump();
  auto etag = '"' + sha256_hex(text).substr(0, 16) + '"';
  return Description{std::make_shared<const std::string>(std::move(text)), std::move(etag)};
}

}  // namespace

void add_openapi_route(Api& api) {
  api.router().add({Method::get, "/openapi.json",
                    [&api, made = std::make_shared<Description>()](const Request& q, const Reply& r) {
                      if (!made->text) {
                        auto description = describe(api, api.router().routes());
                        if (!description) return r(problem(description.error(), q.id));
                        *made = std::move(*description);
                      }
                      if (auto same = not_modified(q, made->etag)) return r(std::move(*same));
                      auto response = json_response({});
                      response.shared = made->text;
                      response.headers.emplace_back("ETag", made->etag);
                      r(std::move(response));
                    },
                    "open", false, true});
}

}  // namespace muster::http
