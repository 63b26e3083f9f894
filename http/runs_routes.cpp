// Runs over HTTP: listed, looked at, canceled, and told of by the nodes that run them.
#include "domain/run_facts.hpp"
#include "http/fact_reports.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

constexpr uint64_t kPerPage = 50, kMaxPerPage = 200;  // Jobs contract, section 9.

struct ReportBody {
  std::string source;
  std::vector<runs::FactBody> facts;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("source", self.source);
    visit("facts", self.facts);
  }
};

struct ResultShown {
  RawJson resolved_args;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("resolved_args", self.resolved_args);
  }
};
struct QueueShown {
  uint64_t position = 0;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("position", self.position);
    visit("reason", self.reason);
  }
};

/// A run as the contract has it (section 9), and what else is known of it.
struct RunShown {
  std::string id;
  const runs::View::Row& row;
  const runs::Accepted& run;
  std::optional<QueueShown> queue{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    const auto& row = self.row;
    const auto& run = self.run;
    const auto when_ended = [&](const auto& value) {
      return row.ended ? std::optional(value) : std::nullopt;
    };
    visit("id", self.id);
    visit("job_id", run.job);
    visit("name", run.name);
    visit("status", row.status);
    visit("accepted_at", row.accepted_at);
    visit("dispatched_at", row.dispatched_at);
    visit("started_at", row.started_at == Time{} ? row.accepted_at : row.started_at);
    visit("finished_at", row.finished_at);
    if (!run.args.text.empty()) visit("result", ResultShown{run.args});
    visit("executor", run.executor);
    visit("runtime", run.runtime);
    visit("security_profile", run.profile);
    visit("provenance", run.provenance);
    visit("node_id", run.node);
    visit("requested_by", row.actor);
    visit("reason", row.reason);
    visit("exit_code", when_ended(row.exit_code));
    visit("error", row.error);
    visit("output", when_ended(row.output));
    visit("queue", self.queue);
    visit("group", run.group);
    visit("priority", run.priority);
    visit("of", run.of);
    visit("from_step", run.from_step);
    visit("steps", row.steps);
  }
};

/// Writes runs of one set of views: the queue is gone through once, when somebody waits.
class Shower {
public:
  Shower(const runs::View& view, const runs::Limits& limits) : view_(view), limits_(limits) {}

  void append(std::string& out, const std::string& id, const runs::View::Row& row) {
    RunShown shown{id, row, *row.accepted};
    if (row.status == "queued") shown.queue = place_of(id, row);
    append_fields(out, shown);
  }

private:
  std::optional<QueueShown> place_of(const std::string& id, const runs::View::Row& row) {
    if (row.dispatched_at != Time{}) return std::nullopt;
    if (!looked_) waiting_ = runs::waiting(view_, limits_);
    looked_ = true;
    for (const auto& one : waiting_)
      if (one.run == id) return QueueShown{one.position, one.reason};
    return std::nullopt;
  }

  const runs::View& view_;
  const runs::Limits& limits_;
  std::vector<runs::Waiting> waiting_;
  bool looked_ = false;
};

struct Pages {
  uint64_t skip = 0, limit = kPerPage;
};
Result<Pages> pages_of(const Request& request) {
  const auto page = number_from_query(request, "page", 1);
  const auto per_page = number_from_query(request, "per_page", kPerPage);
  std::vector<FieldError> faults;
  if (!page || *page == 0) faults.push_back({"?page", "must be a whole number from 1 on"});
  if (!per_page || *per_page == 0 || *per_page > kMaxPerPage)
    faults.push_back({"?per_page", "must be from 1 to " + std::to_string(kMaxPerPage)});
  if (!faults.empty())
    return Error{"pagination.invalid", faults.front().pointer.substr(1) + " " + faults.front().message,
                 faults};
  const auto before = *page - 1;
  return Pages{before > runs::kMaxEnded * kMaxPerPage ? UINT64_MAX : before * *per_page, *per_page};
}

void list_route(Api& api, const Request& request, const Reply& reply) {
  const auto pages = pages_of(request);
  if (!pages) return reply(problem(pages.error(), request.id));
  api.show(request, reply,
           [pages = *pages, limits = api.system().options().run_limits](const ViewSet& views) {
             const auto& all = view<runs::View>(views);
             Shower shower{all, limits};
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
           [id, request_id, limits = api.system().options().run_limits](const ViewSet& views) {
             const auto& all = view<runs::View>(views);
             const auto* row = all.runs.find(id);
             if (!row) return problem({"not.found", "there is no run " + id, {}}, request_id);
             std::string body;
             Shower{all, limits}.append(body, id, **row);
             return json_response(std::move(body));
           });
}

void cancel_route(Api& api, const Request& request, const Reply& reply) {
  runs::Cancel command{std::string(request.param("id"))};
  command.limits = api.system().options().run_limits;
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
  if (!view<nodes::View>(*views).nodes.contains(report->node))
    return reply(problem({"node.unknown", "node " + report->node + " is not registered", {}}, request.id));
  if (auto low = may_record_runs(*views); !low) return reply(problem(low.error(), request.id));
  report->limits = api.system().options().run_limits;
  api.command(request, reply, runs::Command{std::move(*report)},
              [](const Receipt& receipt) { return json_response(receipt.result); });
}

}  // namespace

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
