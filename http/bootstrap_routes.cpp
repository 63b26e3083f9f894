// The environment profile over HTTP, and what nodes report of applying it (supervisor contract, section 9).
#include <spdlog/spdlog.h>

#include "base/hash.hpp"
#include "domain/environment.hpp"
#include "domain/names.hpp"
#include "domain/profile.hpp"
#include "http/log_line.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// POST /v1/bootstrap/events.
struct ReportBody {
  bootstrap::Reported report;
  std::string backend, endpoint;  ///< Of what was added.
  std::vector<bootstrap::Thing> added;
  std::vector<std::string> resources;  ///< With total, of an intent.
  uint64_t total = 0;
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
    visit("backend", self.backend);
    visit("endpoint", self.endpoint);
    visit("added", self.added);
    visit("resources", self.resources);
    visit("total", self.total);
  }
};

/// POST /v1/bootstrap/pause and resume.
struct PauseBody {
  std::vector<std::string> components;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("components", self.components);
    visit("reason", self.reason);
  }
};
struct ResumeBody {
  std::vector<std::string> components;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("components", self.components);
  }
};

/// An apply or prune of which it is not told yet what came of it.
struct Applying {
  std::string action, idempotency_key;
  Time since{};
  uint64_t total = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("action", self.action);
    visit("idempotency_key", self.idempotency_key);
    visit("since", self.since);
    visit("total", self.total);
  }
};

/// What a node last reported of one component.
struct Component {
  std::string status, generation;
  Time ts{};
  std::string message;
  std::optional<Applying> applying{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("status", self.status);
    visit("generation", self.generation);
    visit("ts", self.ts);
    visit("message", self.message);
    visit("applying", self.applying);
  }
};

constexpr size_t kPausedHash = 16;  // Characters, of the ETag.

/// As the published profile has it beside what is desired.
std::string paused_text(const bootstrap::View& view) {
  std::string text;
  view.paused.each([&](const std::string& component, const bootstrap::View::Pause& pause) {
    text += text.empty() ? "{" : ",";
    append_json_string(text, component);
    text += ':';
    append_fields(text, pause);
  });
  return text.empty() ? text : text + '}';
}

/// Before any profile was read, nothing is desired: the document is there with empty sections.
Response show_profile(const ViewSet& views, const std::string& if_none_match) {
  static const profile::Profile nothing;
  const auto& source = *view<plans::View>(views).profile;
  const auto paused = paused_text(view<bootstrap::View>(views));
  const auto etag = '"' + (source.generation.empty() ? profile::generation(nothing) : source.generation) +
                    (paused.empty() ? "" : "-" + sha256_hex(paused).substr(0, kPausedHash)) + '"';
  Request again;
  again.headers = {{"if-none-match", if_none_match}};
  if (auto same = not_modified(again, etag)) return std::move(*same);
  auto text = source.generation.empty() ? profile::to_json(nothing).dump() : source.content.text;
  if (!paused.empty()) text.insert(text.rfind('}'), ",\"paused\":" + paused);
  auto response = json_response(std::move(text));
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

/// Nothing but reports is recorded before the cluster's level is raised: there, an intent is acknowledged.
bool records_environment(Api& api) {
  const auto views = api.system().views();
  return view<cluster::View>(*views).identity->feature_level >= bootstrap::kEnvironmentLevel;
}

void intent_route(Api& api, const Request& request, const Reply& reply, ReportBody body) {
  if (!records_environment(api)) return reply(no_content({}));
  auto& said = body.report;
  bootstrap::Intended intended{said.node,
                               said.component,
                               said.action,
                               body.backend,
                               said.generation,
                               said.idempotency_key,
                               {},
                               std::max<uint64_t>(body.total, body.resources.size())};
  intended.resources = std::move(body.resources);
  api.command(request, reply, bootstrap::Command{bootstrap::Intend{std::move(intended)}}, no_content);
}

void report_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<ReportBody>(request, reply);
  if (!body) return;
  if (body->report.status == "intended") return intent_route(api, request, reply, std::move(*body));
  const bool json = api.options().json_log;
  bootstrap::Added added{"", "", body->backend, !environment::is_embedded(body->backend), {}};
  if (records_environment(api)) added.things = std::move(body->added);
  added.endpoint = std::move(body->endpoint);
  api.command(request, reply, bootstrap::Command{bootstrap::Report{body->report, std::move(added)}},
              [report = body->report, json](const Receipt& receipt) {
                log_report(report, receipt, json);
                return no_content(receipt);
              });
}

/// A body that may be left out. Nothing: `reply` was answered.
template <class Body>
std::optional<Body> optional_body(const Request& request, const Reply& reply) {
  if (request.body.empty()) return Body{};
  return read_body<Body>(request, reply, Unknown::refuse);
}

void pause_route(Api& api, const Request& request, const Reply& reply) {
  auto wanted = optional_body<PauseBody>(request, reply);
  if (!wanted) return;
  if (!records_environment(api))
    return reply(
      problem({"conflict", "pauses are recorded from feature level " +
                             std::to_string(bootstrap::kEnvironmentLevel) + " on: muster :cluster upgrade"},
              request.id));
  api.command(request, reply, bootstrap::Command{bootstrap::Pause{wanted->components, wanted->reason}},
              [](const Receipt& receipt) { return json_response(receipt.result); });
}

void resume_route(Api& api, const Request& request, const Reply& reply) {
  auto wanted = optional_body<ResumeBody>(request, reply);
  if (!wanted) return;
  api.command(request, reply, bootstrap::Command{bootstrap::Resume{wanted->components}},
              [](const Receipt& receipt) { return json_response(receipt.result); });
}

/// The end of a prune on the member that asks, in the name of the person who wanted it.
void removed_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<bootstrap::Removed>(request, reply, Unknown::refuse);
  if (!body) return;
  api.command(request, reply, bootstrap::Command{bootstrap::Remove{std::move(*body)}}, no_content);
}

}  // namespace

std::string components_of(const ViewSet& views, std::string_view node, bool with_reasons) {
  std::string components = "{";
  const auto& all = view<bootstrap::View>(views);
  all.each_of(node, [&](const bootstrap::View::Row& row) {
    if (components.size() > 1) components += ',';
    append_json_string(components, row.report->component);
    components += ':';
    Component shown{row.report->status, row.report->generation, row.at,
                    with_reasons ? row.report->message : ""};
    const auto* intent = all.intents.find(bootstrap::View::key(node, row.report->component));
    if (with_reasons && intent)
      shown.applying = Applying{intent->intended->action, intent->intended->idempotency_key, intent->at,
                                intent->intended->total};
    append_fields(components, shown);
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
  router.add({Method::post, "/v1/bootstrap/pause",
              [&api](const Request& q, const Reply& r) { pause_route(api, q, r); }, "admin", true});
  router.add({Method::post, "/v1/bootstrap/resume",
              [&api](const Request& q, const Reply& r) { resume_route(api, q, r); }, "admin", true});
  Route removed{Method::post, "/v1/bootstrap/removed",
                [&api](const Request& q, const Reply& r) { removed_route(api, q, r); }, "admin", true};
  removed.inside = true;
  router.add(std::move(removed));
}

}  // namespace muster::http
