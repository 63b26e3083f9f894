// The environment profile over HTTP, and what nodes report of applying it (supervisor contract, section 9).
#include "domain/names.hpp"
#include "domain/profile.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// POST /v1/bootstrap/events.
struct ReportBody {
  bootstrap::Reported report;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.report.node);
    visit("component", self.report.component);
    visit("action", self.report.action);
    visit("status", self.report.status);
    visit("message", self.report.message);
    visit("generation", self.report.generation);
    visit("idempotency_key", self.report.idempotency_key);
    visit("attempt", self.report.attempt);
    visit("duration_ms", self.report.duration_ms);
  }
};

/// What a node last reported of one component.
struct Component {
  std::string status, generation;
  Time ts{};
  std::string message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("status", self.status);
    visit("generation", self.generation);
    visit("ts", self.ts);
    visit("message", self.message);
  }
};

/// Before any profile was read, nothing is desired: the document is there with empty sections.
Response show_profile(const ViewSet& views, const std::string& if_none_match) {
  static const profile::Profile kNothing;
  const auto& source = *view<plans::View>(views).profile;
  const auto etag =
    '"' + (source.generation.empty() ? profile::generation(kNothing) : source.generation) + '"';
  Request again;
  again.headers = {{"if-none-match", if_none_match}};
  if (auto same = not_modified(again, etag)) return std::move(*same);
  auto response =
    json_response(source.generation.empty() ? profile::to_json(kNothing).dump() : source.content.text);
  response.headers.emplace_back("ETag", etag);
  return response;
}

/// A node that registered and has not reported has no components yet; one that did neither is unknown.
Response show_status(const ViewSet& views, const std::string& node, const std::string& request) {
  std::string components;
  view<bootstrap::View>(views).each_of(node, [&](const bootstrap::View::Row& row) {
    if (!components.empty()) components += ',';
    append_json_string(components, row.report->component);
    components += ':';
    append_fields(components,
                  Component{row.report->status, row.report->generation, row.at, row.report->message});
  });
  if (components.empty() && !view<nodes::View>(views).nodes.contains(node))
    return problem({"node.unknown", "node " + node + " has neither registered nor reported", {}}, request);
  std::string body = R"({"node_id":)";
  append_json_string(body, node);
  return json_response(body + ",\"components\":{" + components + "}}");
}

void status_route(Api& api, const Request& request, const Reply& reply) {
  names::Check check;
  const auto node = request.query_value("node_id");
  check.id("?node_id", node.value_or(""));
  if (auto status = check.done(); !status) return reply(problem(status.error(), request.id));
  api.show(request, reply, [node = *node, id = std::string(request.id)](const ViewSet& views) {
    return show_status(views, node, id);
  });
}

}  // namespace

void add_bootstrap_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::get, "/v1/bootstrap/profile",
              [&api](const Request& q, const Reply& r) {
                api.show(q, r, [asked = std::string(q.header("if-none-match"))](const ViewSet& views) {
                  return show_profile(views, asked);
                });
              },
              "bootstrap.apply"});
  router.add({Method::get, "/v1/bootstrap/status",
              [&api](const Request& q, const Reply& r) { status_route(api, q, r); }, "bootstrap.apply"});
  router.add({Method::post, "/v1/bootstrap/events",
              [&api](const Request& q, const Reply& r) {
                auto body = read_body<ReportBody>(q, r);
                if (!body) return;
                api.command(q, r, bootstrap::Command{bootstrap::Report{std::move(body->report)}}, no_content);
              },
              "bootstrap.apply", true});
}

}  // namespace muster::http
