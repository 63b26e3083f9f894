// The cluster over HTTP: its identity, members and checkpoints; raising the feature level.
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// POST /v1/cluster/upgrade. Level 0, or none: as far as every member can.
struct UpgradeBody {
  uint64_t level = 0;
  bool dry_run = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("level", self.level);
    visit("dry_run", self.dry_run);
  }
};

void append_member(std::string& body, const std::string& name, const cluster::View::Member& member) {
  body += R"({"member":)";
  append_json_string(body, name);
  body += ',' + to_json_text(member).substr(1);
}

void append_checkpoint(std::string& body, uint64_t seq, const cluster::View::MadeCheckpoint& checkpoint) {
  body += "{\"seq\":" + std::to_string(seq) + ",\"time\":";
  append_json_string(body, to_rfc3339(checkpoint.time));
  body += ',' + to_json_text(checkpoint.made).substr(1);
}

Response show_cluster(const ViewSet& views) {
  const auto& cluster = view<cluster::View>(views);
  std::string body = R"({"identity":)" + to_json_text(*cluster.identity) + R"(,"members":[)";
  cluster.members.each([&](const std::string& name, const auto& member) {
    if (body.back() != '[') body += ',';
    append_member(body, name, member);
  });
  body += R"(],"checkpoints":[)";
  cluster.checkpoints.each([&](uint64_t seq, const auto& checkpoint) {
    if (body.back() != '[') body += ',';
    append_checkpoint(body, seq, checkpoint);
  });
  return json_response(body + "],\"log\":" + to_json_text(cluster.log) + "}");
}

void upgrade_route(Api& api, const Request& request, const Reply& reply) {
  UpgradeBody level;
  if (!request.body.empty()) {
    const auto body = read_body<UpgradeBody>(request, reply, Unknown::refuse);
    if (!body) return;
    level = *body;
  }
  api.command(request, reply, cluster::Command{cluster::Upgrade{level.level, level.dry_run}},
              [](const Receipt& receipt) { return json_response(receipt.result); });
}

}  // namespace

void add_cluster_routes(Api& api) {
  api.router().add({Method::get, "/v1/cluster",
                    [&api](const Request& q, const Reply& r) { api.show(q, r, show_cluster); }, "read"});
  api.router().add({Method::post, "/v1/cluster/upgrade",
                    [&api](const Request& q, const Reply& r) { upgrade_route(api, q, r); }, "admin", true});
}

}  // namespace muster::http
