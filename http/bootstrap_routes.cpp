// The environment profile over HTTP, and what nodes report of applying it (supervisor contract, section 9).
#include <spdlog/spdlog.h>

#include "domain/names.hpp"
#include "domain/profile.hpp"
#include "http/log_line.hpp"
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
  static const profile::Profile nothing;
  const auto& source = *view<plans::View>(views).profile;
  const auto etag =
    '"' + (source.generation.empty() ? profile::generation(nothing) : source.generation) + '"';
  Request again;
  again.headers = {{"if-none-match", if_none_match}};
  if (auto same = not_modified(again, etag)) return std::move(*same);
  auto response =
    json_response(source.generation.empty() ? profile::to_json(nothing).dump() : source.content.text);
  response.headers.emplace_back("ETag", etag);
  return response;
}

Response status_of(const std::string& node, const std::string& components) {
  std::string body = R"({"node_id":)";
  append_json_string(body, node);
  return json_response(body + ",\"components\":" + components + "}");
}

/// A node that registered and has not reported has no components yet; one that did neither is unknown.
Response show_status(const ViewSet& views, const std::string& node, const std::string& request) {
  const auto components = components_of(views, node, true);
  if (components == "{}" && !view<nodes::View>(views).nodes.contains(node))
    return problem({"node.unknown", "node " + node + " has neither registered nor reported", {}}, request);
  return status_of(node, components);
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

/// GET /internal/bootstrap/status: this node's own components, also before it reported any.
void own_status_route(Api& api, const Request& request, const Reply& reply) {
  api.show(request, reply, [node = api.system().options().node](const ViewSet& views) {
    return status_of(node, components_of(views, node, true));
  });
}

/// One line for each report that was taken (supervisor contract, section 11). `idempotent`: its key was used
/// before, so that nothing was recorded again.
void log_report(const bootstrap::Reported& report, const Receipt& receipt, bool json) {
  const auto level = report.status == "error" ? spdlog::level::warn : spdlog::level::info;
  if (!spdlog::should_log(level)) return;
  thread_local std::string line;
  LogLine{line, json, "bootstrap"}
    .text("node", report.node)
    .text("component", report.component)
    .text("action", report.action)
    .text("status", report.status)
    .number("attempt", report.attempt)
    .truth("idempotent", receipt.replayed || receipt.result == bootstrap::kRepeated)
    .text("generation", report.generation)
    .number("duration_ms", report.duration_ms);
  spdlog::default_logger_raw()->log(level, spdlog::string_view_t{line.data(), line.size()});
}

void report_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<ReportBody>(request, reply);
  if (!body) return;
  const bool json = api.options().json_log;
  api.command(request, reply, bootstrap::Command{bootstrap::Report{body->report}},
              [report = body->report, json](const Receipt& receipt) {
                log_report(report, receipt, json);
                return no_content(receipt);
              });
}

}  // namespace

std::string components_of(const ViewSet& views, std::string_view node, bool with_reasons) {
  std::string components = "{";
  view<bootstrap::View>(views).each_of(node, [&](const bootstrap::View::Row& row) {
    if (components.size() > 1) components += ',';
    append_json_string(components, row.report->component);
    components += ':';
    append_fields(components, Component{row.report->status, row.report->generation, row.at,
                                        with_reasons ? row.report->message : ""});
  });
  return components + '}';
}

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
  router.add({Method::get, "/internal/bootstrap/status",
              [&api](const Request& q, const Reply& r) { own_status_route(api, q, r); }, "bootstrap.apply",
              false, true});
  router.add({Method::post, "/v1/bootstrap/events",
              [&api](const Request& q, const Reply& r) { report_route(api, q, r); }, "bootstrap.apply",
              true});
}

}  // namespace muster::http
