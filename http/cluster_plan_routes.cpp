// The cluster's plan over HTTP: which services run where, in which version; nobody writes it but templates.
#include <map>

#include "base/hash.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr size_t kMaxNodes = 100;  // Named for each service; how many there are is said of all.

/// A service as GET /v1/cluster/plan shows it.
struct PlannedService {
  std::string name, kind;
  std::string version;  ///< SHA-256 of the canonical JSON of all that its template says of it, hex.
  std::string file;
  uint64_t count = 0;
  std::vector<std::string> nodes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("kind", self.kind);
    visit("version", self.version);
    visit("template", self.file);
    visit("count", self.count);
    visit("nodes", self.nodes);
  }
};

struct ClusterPlan {
  std::string cluster;
  uint64_t epoch = 0;
  std::string generation;  ///< Another one whenever a service or its version is.
  std::vector<PlannedService> services;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("epoch", self.epoch);
    visit("generation", self.generation);
    visit("services", self.services);
  }
};

/// Which nodes were given a template's plan.
struct Users {
  uint64_t count = 0;
  std::vector<std::string> first;
};

std::map<std::string, Users> users_of_templates(const plans::View& plans) {
  std::map<std::string, Users> users;
  plans.issued.each([&](const std::string& node, const plans::View::Given& given) {
    if (given.plan->file.empty()) return;
    auto& of = users[given.plan->file];
    if (of.count++ < kMaxNodes) of.first.push_back(node);
  });
  return users;
}

/// What a template says now, also when the nodes have not asked for it yet.
void append_services(ClusterPlan& to, const std::string& file, const RawJson& content, const Users& users) {
  const auto apps = parse_json(content.text);
  if (!apps || !apps->is_array()) return;
  for (const auto& app : *apps)
    to.services.push_back({app.value("name", ""), app.value("kind", ""), sha256_hex(canonical_json(app)),
                           file, users.count, users.first});
}

Response show_plan(const ViewSet& views, const std::string& if_none_match) {
  const auto& plans = view<plans::View>(views);
  const auto& lease = view<lease::View>(views);
  Request again;
  again.headers = {{"if-none-match", if_none_match}};
  const auto etag = etag_of("cluster-plan", std::max(plans.about.changed, lease.about.changed));
  if (auto same = not_modified(again, etag)) return std::move(*same);
  ClusterPlan shown;
  shown.cluster = view<cluster::View>(views).identity->cluster;
  shown.epoch = lease.holder.epoch;
  std::string all;
  for (const auto& [file, users] : users_of_templates(plans))
    if (const auto* source = plans.templates.find(file))
      append_services(shown, file, (*source)->content, users);
  for (const auto& service : shown.services)
    all += service.file + '\n' + service.name + '\n' + service.version + '\n';
  shown.generation = sha256_hex(all);
  auto response = json_response(to_json_text(shown));
  response.headers.emplace_back("ETag", etag);
  return response;
}

}  // namespace

void add_cluster_plan_route(Api& api) {
  api.router().add({Method::get, "/v1/cluster/plan",
                    [&api](const Request& request, const Reply& reply) {
                      api.show(request, reply,
                               [known = std::string(request.header("if-none-match"))](const ViewSet& views) {
                                 return show_plan(views, known);
                               });
                    },
                    "read"});
}

}  // namespace muster::http
