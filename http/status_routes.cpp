// How the node is: health, readiness, status, metrics.
#include <filesystem>

#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr size_t kMaxDrift = 100;  // Lines of drift that the status shows.

/// What is of this process and of now: the log says nothing of it.
void add_present(Api& api, Json& status) {
  const auto gauges = api.system().gauges();
  status["version"] = api.options().version;
  status["started_at"] = to_rfc3339(api.started_at());
  status["ready"] =
    api.system().ready() || (api.options().peering && api.options().peering->follows_closely());
  status["leading"] = gauges.leading;
  status["term"] = gauges.term;
  status["seq"] = gauges.seq;
  status["data"] = api.options().data;
  status["containers"] = api.options().containers.empty() ? "unavailable" : api.options().containers;
  status["log"]["writable"] = gauges.writable;
  status["log"]["pending"] = gauges.pending;
  status["log"]["checkpoints_failed"] = gauges.checkpoints_failed;
  status["streams"] = {{"tails", api.tails().readers()}, {"open", api.server().stats().streams.load()}};
}

/// What the log says as of the views.
Json status_of(Api& api, const ViewSet& views) {
  const auto& cluster = view<cluster::View>(views);
  const auto& lease = view<lease::View>(views);
  const auto& nodes = view<nodes::View>(views).counts;
  const auto& plans = view<plans::View>(views);
  Json status{{"node_id", api.system().options().node},
              {"cluster", cluster.identity->cluster},
              {"feature_level", cluster.identity->feature_level},
              {"epoch", views.epoch},
              {"head", to_hex(views.head)},
              {"view_seq", views.seq},
              {"time", to_rfc3339(views.time)}};
  status["log"] = {{"compacted_to", cluster.log.compacted_to}, {"checkpoints", cluster.checkpoints.size()}};
  status["nodes"] = {{"registered", nodes.registered},
                     {"healthy", nodes.healthy},
                     {"stale", nodes.stale},
                     {"forgotten", nodes.forgotten}};
  status["leader"] =
    lease.held()
      ? Json{{"node_id", lease.holder.node}, {"leader_url", lease.holder.url}, {"epoch", lease.holder.epoch}}
      : Json(nullptr);
  const auto source = [](const plans::View::Source& s) {
    Json out{{"ok", s.ok}, {"generation", s.generation}};
    if (s.loaded_at != Time{}) out["loaded_at"] = to_rfc3339(s.loaded_at);
    if (!s.ok) out["error"] = s.error;
    return out;
  };
  status["profile"] = source(*plans.profile);
  status["templates"] = Json::object();
  plans.templates.each(
    [&](const std::string& file, const auto& s) { status["templates"][file] = source(*s); });
  const auto& observed = view<services::View>(views);
  status["services"] = {{"reported", observed.services.size()}, {"drift", Json::array()}};
  for (const auto& one : services::drift(plans, observed, kMaxDrift))
    status["services"]["drift"].push_back(
      {{"node_id", one.node}, {"service", one.service}, {"problem", one.problem}});
  return status;
}

void ready_route(Api& api, const Request& request, const Reply& reply) {
  const auto& also = api.options().also_ready;
  const bool follows =
    api.options().peering && !api.system().gauges().leading && api.options().peering->follows_closely();
  if ((api.system().ready() || follows) && (!also || also())) return reply(json_response("{\"ready\":true}"));
  const auto gauges = api.system().gauges();
  if (!gauges.writable)
    return reply(problem({"log.unwritable", "the disk fails; reads are served", {}}, request.id));
  reply(problem({"leader.starting", "the log is not open yet", {}}, request.id));
}

/// Text for a load balancer; for who accepts JSON, also this node's components (supervisor contract, section
/// 11).
void health_route(Api& api, const Request& request, const Reply& reply) {
  const auto accept = request.header("accept");
  Response response;
  if (accept.find("application/json") != std::string_view::npos) {
    response = json_response(R"({"status":"ok","components":)" +
                             components_of(*api.system().views(), api.system().options().node, false) + '}');
  } else {
    response.content_type = "text/plain";
    response.body = "OK";
  }
  response.headers.emplace_back("Vary", "Accept");
  reply(std::move(response));
}

/// Jobs contract, "GET /health/storage". The log has no limit of its own: it may take what the disk has.
void storage_route(Api& api, const Request& request, const Reply& reply) {
  namespace fs = std::filesystem;
  const auto gauges = api.system().gauges();
  if (!gauges.writable)
    return reply(problem({"storage.degraded", "the disk fails; reads are served", {}}, request.id));
  std::error_code failed, vanished;
  uint64_t used = 0;
  for (fs::directory_iterator at{api.options().data + "/log", failed}, end; !failed && at != end;
       at.increment(failed))
    if (const auto size = at->file_size(vanished); !vanished) used += size;
  std::error_code unknown;
  const auto free = fs::space(api.options().data, unknown).available;
  if (failed || unknown)
    return reply(problem({"storage.degraded", (failed ? failed : unknown).message(), {}}, request.id));
  const auto journals = api.options().jobs ? api.options().jobs->journals() : JournalUse{};
  const auto& cluster = view<cluster::View>(*api.system().views());
  reply(json_response(Json{{"driver", "rocksdb"},
                           {"ok", true},
                           {"bytes_used", used},
                           {"max_bytes", used + free},
                           {"journal_bytes", journals.bytes},
                           {"journal_max_bytes", journals.most},
                           {"eviction_active", journals.bytes >= journals.most / 10 * 9 && journals.most > 0},
                           {"schema_version", cluster.identity->feature_level}}
                        .dump()));
}

}  // namespace

void add_status_routes(Api& api) {
  auto& router = api.router();
  const auto health = [&api](const Request& q, const Reply& r) { health_route(api, q, r); };
  router.add({Method::get, "/health/storage",
              [&api](const Request& q, const Reply& r) { storage_route(api, q, r); }, "jobs:read", false,
              true});
  router.add({Method::get, "/health", health, "open", false, true});
  router.add({Method::get, "/healthz", health, "open", false, true});
  router.add({Method::get, "/readyz", [&api](const Request& q, const Reply& r) { ready_route(api, q, r); },
              "open", false, true});
  router.add({Method::get, "/v1/status",
              [&api](const Request& q, const Reply& r) {
                const bool is_past = q.query_value("as_of").has_value();
                api.show(q, r, [&api, is_past](const ViewSet& views) {
                  auto status = status_of(api, views);
                  if (!is_past) add_present(api, status);
                  return json_response(status.dump());
                });
              },
              "read", false, true});
  if (!api.options().metrics) return;
  router.add({Method::get, "/metrics",
              [&api](const Request&, const Reply& r) {
                Response response;
                response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                response.body = api.metrics().text(api.system().gauges(), api.system().views()->seq,
                                                   api.tails().readers(), api.server().stats());
                response.body += api.run_metrics().text(*api.system().views(), api.options().auth.node);
                r(std::move(response));
              },
              api.options().metrics_open ? "open" : "authenticated", false, true});
}

}  // namespace muster::http
