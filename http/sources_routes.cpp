// Sources over HTTP: listed, looked at and removed.
#include "http/rows.hpp"

namespace muster::http {
namespace {

void list_route(Api& api, const Request& request, const Reply& reply) {
  api.show(request, reply, [](const ViewSet& views) {
    std::string body = "[";
    view<sources::View>(views).sources.each([&](const std::string&, const Shared<sources::Added>& source) {
      if (body.size() > 1) body += ',';
      append_fields(body, *source);
    });
    return json_response(body + "]");
  });
}

void one_route(Api& api, const Request& request, const Reply& reply) {
  const std::string name{request.param("name")}, request_id{request.id};
  api.show(request, reply, [name, request_id](const ViewSet& views) {
    const auto* source = view<sources::View>(views).sources.find(name);
    if (!source) return problem({"not.found", "there is no source " + name, {}}, request_id);
    return json_response(to_json_text(**source));
  });
}

void remove_route(Api& api, const Request& request, const Reply& reply) {
  api.command(request, reply, sources::Command{sources::Remove{std::string(request.param("name"))}},
              no_content);
}

}  // namespace

void add_source_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::get, "/sources", [&api](const Request& q, const Reply& r) { list_route(api, q, r); },
              "sources:read"});
  router.add({Method::get, "/sources/{name}",
              [&api](const Request& q, const Reply& r) { one_route(api, q, r); }, "sources:read"});
  router.add({Method::del, "/sources/{name}",
              [&api](const Request& q, const Reply& r) { remove_route(api, q, r); }, "sources:write"});
}

}  // namespace muster::http
