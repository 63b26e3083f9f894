// Services over HTTP: what nodes report of them, which run where, and where that is not as planned.
#include "adapters/service_log.hpp"
#include "domain/names.hpp"
#include "domain/service_facts.hpp"
#include "http/fact_reports.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

/// The level from which logs may hold what nodes report (docs/upgrade.md).
constexpr uint64_t kServicesLevel = 2;

struct ReportBody {
  std::string source;
  std::vector<services::FactBody> facts;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("source", self.source);
    visit("facts", self.facts);
  }
};

/// A service as GET /v1/services shows it.
struct ServiceRow {
  std::string node, name;
  services::View::Service service;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node);
    visit("name", self.name);
    services::View::Service::fields(self.service, visit);
  }
};

struct NodeServices {
  std::string node;
  std::string planned, applied;
  Time applied_at{};
  std::vector<ServiceRow> services;
  std::vector<services::Drift> drift;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node);
    visit("planned", self.planned);
    visit("applied", self.applied);
    visit("applied_at", self.applied_at);
    visit("services", self.services);
    visit("drift", self.drift);
  }
};

Result<services::Report> report_of(const Request& request, const ReportBody& body) {
  services::Report report{std::string(request.param("id")), body.source, {}};
  if (auto read = read_facts(body, services::kMaxFacts, Empty::allowed, report.facts, services::event_of);
      !read)
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
  if (view<cluster::View>(*views).identity->feature_level < kServicesLevel)
    return reply(problem({"conflict",
                          "what nodes report of services is recorded from feature level " +
                            std::to_string(kServicesLevel) + " on: muster :cluster upgrade",
                          {}},
                         request.id));
  api.command(request, reply, services::Command{std::move(*report)},
              [](const Receipt& receipt) { return json_response(receipt.result); });
}

void of_node_route(Api& api, const Request& request, const Reply& reply) {
  const std::string node{request.param("id")}, request_id{request.id};
  api.show(request, reply, [node, request_id](const ViewSet& views) {
    const auto& plans = view<plans::View>(views);
    const auto& observed = view<services::View>(views);
    const auto* given = plans.issued.find(node);
    const auto* reporting = observed.nodes.find(node);
    if (!given && !reporting && !view<nodes::View>(views).nodes.contains(node))
      return problem({"node.unknown", "node " + node + " is not registered", {}}, request_id);
    NodeServices shown;
    shown.node = node;
    if (given) shown.planned = given->plan->generation;
    if (reporting) {
      shown.applied = reporting->applied;
      shown.applied_at = reporting->applied_at;
    }
    observed.each_of(node, [&](const std::string& name, const services::View::Service& service) {
      shown.services.push_back({node, name, service});
    });
    shown.drift = services::drift_of(plans, observed, node);
    return json_response(to_json_text(shown));
  });
}

/// What is written to a log, as it is written.
class LogStream : public Stream {
public:
  LogStream(std::string folder, LogTail tail) : folder_(std::move(folder)), tail_(std::move(tail)) {}

  State pull(std::vector<Bytes>& into, size_t) override {
    if (tail_.text.empty()) tail_ = log_after(folder_, tail_.end);
    if (tail_.text.empty()) {
      next_ = std::chrono::steady_clock::now() + kLookEvery;
      return State::idle;
    }
    into.push_back(std::make_shared<const std::string>(std::move(tail_.text)));
    tail_.text.clear();
    return State::more;
  }
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> wake_at() const override {
    return next_;
  }

private:
  static constexpr std::chrono::milliseconds kLookEvery{250};
  std::string folder_;
  LogTail tail_;
  std::chrono::steady_clock::time_point next_{};
};

/// Logs stay on the node that ran the service: elsewhere its name is the answer.
Error not_here(const ViewSet& views, const std::string& name, const std::string& own) {
  std::string elsewhere;
  view<services::View>(views).services.each([&](const std::string& key, const auto&) {
    auto [node, service] = services::View::parts_of(key);
    if (service == name && node != own && elsewhere.size() < names::kMaxText)
      elsewhere += (elsewhere.empty() ? "" : ", ") + node;
  });
  if (elsewhere.empty()) return {"not.found", "no log of a service " + name + " is known", {}};
  return {"service.elsewhere", "the log of " + name + " is on " + elsewhere + ", not on " + own, {}};
}

void logs_route(Api& api, const Request& request, const Reply& reply) {
  const auto lines = number_from_query(request, "lines", 100);
  if (!lines) return reply(problem(lines.error(), request.id));
  const std::string name{request.param("name")}, id{request.id}, own{api.system().options().node};
  const auto node = request.query_value("node").value_or(own);
  const bool follow = request.query_value("follow") == "true";
  api.system().read_slowly([&api, reply, name, id, own, node, follow, lines = *lines] {
    const auto folder = service_folder(api.options().services, name);
    auto tail = node == own && !api.options().services.empty() ? log_tail(folder, lines)
                                                               : Result<LogTail>{Error{"not.found", ""}};
    if (!tail) return reply(problem(not_here(*api.system().views(), name, own), id));
    Response response;
    response.content_type = "text/plain; charset=utf-8";
    if (follow)
      response.stream = std::make_unique<LogStream>(folder, std::move(*tail));
    else
      response.body = std::move(tail->text);
    reply(std::move(response));
  });
}

}  // namespace

void add_service_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::post, "/v1/nodes/{id}/services",
              [&api](const Request& q, const Reply& r) { report_route(api, q, r); }, "heartbeat", true});
  router.add({Method::get, "/v1/nodes/{id}/services",
              [&api](const Request& q, const Reply& r) { of_node_route(api, q, r); }, "read"});
  router.add({Method::get, "/v1/services",
              [&api](const Request& q, const Reply& r) {
                show_rows(api, q, r, &services::View::services,
                          [](const std::string& key, const Shared<services::View::Service>& service) {
                            auto [node, name] = services::View::parts_of(key);
                            return ServiceRow{std::move(node), std::move(name), *service};
                          });
              },
              "read"});
  router.add({Method::get, "/v1/services/{name}/logs",
              [&api](const Request& q, const Reply& r) { logs_route(api, q, r); }, "read", false, true});
}

}  // namespace muster::http
