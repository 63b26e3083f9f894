// Runs over HTTP: listed, looked at, canceled, and told of by the nodes that run them.
#include "domain/run_facts.hpp"
#include "http/fact_reports.hpp"
#include "http/run_shown.hpp"

namespace muster::http {
namespace {

struct ReportBody {
  std::string source;
  std::vector<runs::FactBody> facts;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("source", self.source);
    visit("facts", self.facts);
  }
};

void list_route(Api& api, const Request& request, const Reply& reply) {
  const auto pages = pages_of(request);
  if (!pages) return reply(problem(pages.error(), request.id));
  api.show(request, reply,
           [pages = *pages, limits = api.system().options().run_limits](const ViewSet& views) {
             const auto& all = view<runs::View>(views);
             RunShower shower{all, limits};
             std::string body = "[";
             all.each_newest(pages.skip, pages.limit, [&](const std::string& id, const runs::View::Row& row) {
               if (body.size() > 1) body += ',';
               shower.append(body, id, row);
             });
             return json_response(body + "]");
           });
}

void one_route(Api& api, const Request& request, const Reply& reply) {
  const std::string id{request.param("id")}, request_id{request.id};
  api.show(request, reply,
           [&api, id, request_id, limits = api.system().options().run_limits](const ViewSet& views) {
             const auto& all = view<runs::View>(views);
             const auto* row = all.runs.find(id);
             if (!row) return problem({"not.found", "there is no run " + id, {}}, request_id);
             std::string body;
             std::optional<uint64_t> oldest;  // Entry of its journal, which is on its own node.
             if (api.options().jobs && (*row)->accepted->node == api.options().auth.node)
               oldest = api.options().jobs->oldest(id);
             RunShower{all, limits}.append(body, id, **row, "", oldest);
             return json_response(std::move(body));
           });
}

void cancel_route(Api& api, const Request& request, const Reply& reply) {
  runs::Cancel command{std::string(request.param("id"))};
  command.limits = api.system().options().run_limits;
  if (request.inside)  // A node says why it cannot run it.
    if (auto reason = request.query_value("reason")) command.reason = std::move(*reason);
  api.command(request, reply, runs::Command{std::move(command)}, [](const Receipt& receipt) {
    const bool changed = receipt.result.find("\"changed\":true") != std::string::npos;
    return json_response(receipt.result, changed ? 202 : 200);
  });
}

Result<runs::Report> report_of(const Request& request, const ReportBody& body) {
  runs::Report report{std::string(request.param("id")), body.source, {}, {}};
  if (auto read = read_facts(body, runs::kMaxFacts, Empty::refused, report.facts, runs::fact_of); !read)
    return read.error();
  return report;
}

void report_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<ReportBody>(request, reply);
  if (!body) return;
  auto report = report_of(request, *body);
  if (!report) return reply(problem(report.error(), request.id));
  const auto views = api.system().views();
  // A member tells of its own runs even while it is on no list.
  const bool itself = request.inside && request.principal.id == "node/" + report->node;
  if (!itself && !view<nodes::View>(*views).nodes.contains(report->node))
    return reply(problem({"node.unknown", "node " + report->node + " is not registered", {}}, request.id));
  if (auto low = may_record_runs(*views); !low) return reply(problem(low.error(), request.id));
  report->limits = api.system().options().run_limits;
  api.command(request, reply, runs::Command{std::move(*report)},
              [](const Receipt& receipt) { return json_response(receipt.result); });
}

}  // namespace

bool runs_jobs(const Api& api, const Request& request, const Reply& reply) {
  if (api.options().jobs) return true;
  reply(problem({"capability.missing", "this node runs no jobs", {}}, request.id));
  return false;
}

Status may_record_runs(const ViewSet& views) {
  if (view<cluster::View>(views).identity->feature_level >= runs::kRunsLevel) return Done{};
  return Error{"conflict",
               "runs and sources are recorded from feature level " + std::to_string(runs::kRunsLevel) +
                 " on: muster :cluster upgrade",
               {}};
}

void add_run_routes(Api& api) {
  auto& router = api.router();
  router.add(
    {Method::get, "/runs", [&api](const Request& q, const Reply& r) { list_route(api, q, r); }, "runs:read"});
  router.add({Method::get, "/runs/{id}", [&api](const Request& q, const Reply& r) { one_route(api, q, r); },
              "runs:read"});
  router.add({Method::post, "/runs/{id}:cancel",
              [&api](const Request& q, const Reply& r) { cancel_route(api, q, r); }, "runs:write"});
  router.add({Method::post, "/v1/nodes/{id}/runs",
              [&api](const Request& q, const Reply& r) { report_route(api, q, r); }, "heartbeat", true});
}

}  // namespace muster::http
