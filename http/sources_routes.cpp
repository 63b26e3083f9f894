// Sources over HTTP: added, listed, looked at and removed.
#include "domain/jobs/source.hpp"
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

/// What the domain recorded: of a request that came again, what is recorded now.
Response added(Api& api, const sources::Added& record, const Receipt& receipt) {
  const auto said = parse_json(receipt.result);
  const auto views = api.system().views();
  const auto* now = receipt.replayed ? view<sources::View>(*views).sources.find(record.name) : nullptr;
  auto response = json_response(to_json_text(now ? **now : record));
  response.status = said && said->value("replaced", false) ? 200 : 201;
  return response;
}

/// Fetching takes its time: the domain is asked when it is done, on the server's thread again.
void add_route(Api& api, const Request& request, const Reply& reply) {
  const auto body = parse_json(request.body);
  if (!body) return reply(problem(body.error(), request.id));
  auto source = jobs::read_source(*body);
  if (!source) return reply(problem(source.error(), request.id));
  if (auto low = may_record_runs(*api.system().views()); !low) return reply(problem(low.error(), request.id));
  auto origin = api.origin_of(request);
  if (!origin) return reply(problem(origin.error(), request.id));
  const auto& add = api.options().add_source;
  if (!add) return reply(problem({"source.unsupported", "this node adds no sources", {}}, request.id));
  add(std::move(*source), [&api, reply, origin = std::move(*origin),
                           id = std::string(request.id)](Result<sources::Added> record) {
    if (!record) return reply(problem(record.error(), id));
    api.server().post([&api, reply, origin, id, record = std::move(*record)] {
      Request again;  // What is needed of the request: it is gone by now.
      again.id = id;
      auto answer = api.answer_to(
        again, reply, [&api, record](const Receipt& receipt) { return added(api, record, receipt); }, true);
      if (answer) api.system().ask(sources::Command{sources::Add{record}}, origin, std::move(*answer));
    });
  });
}

struct PinBody {
  std::string ref, resolved_ref, digest;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("ref", self.ref);
    visit("resolved_ref", self.resolved_ref);
    visit("digest", self.digest);
  }
};

/// A run of the source succeeded on the member that asks: what it was is what it is from now on, unless it is
/// another one by now, or was pinned by somebody else's run.
void pin_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<PinBody>(request, reply);
  if (!body) return;
  const std::string name{request.param("name")};
  const auto views = api.system().views();
  const auto* now = view<sources::View>(*views).sources.find(name);
  if (!now || (*now)->ref != body->ref || !(*now)->digest.empty()) return reply(json_response("{}"));
  sources::Pin pin{{name, std::move(body->resolved_ref), "", std::move(body->digest)}};
  api.command(request, reply, sources::Command{std::move(pin)},
              [](const Receipt&) { return json_response("{}"); });
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
  router.add({Method::post, "/sources", [&api](const Request& q, const Reply& r) { add_route(api, q, r); },
              "sources:write", true});
  router.add({Method::get, "/sources/{name}",
              [&api](const Request& q, const Reply& r) { one_route(api, q, r); }, "sources:read"});
  Route pin{Method::post, "/v1/sources/{name}/pin",  // As the end of a run.
            [&api](const Request& q, const Reply& r) { pin_route(api, q, r); }, "runs:write", true};
  pin.inside = true;
  router.add(std::move(pin));
  router.add({Method::del, "/sources/{name}",
              [&api](const Request& q, const Reply& r) { remove_route(api, q, r); }, "sources:write"});
}

}  // namespace muster::http
