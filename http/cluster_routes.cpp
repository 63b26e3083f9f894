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

/// What a member is now, as the one that answers knows it: telemetry, never in the log.
Json live_member(const MemberState& state, uint64_t head) {
  Json live{{"heard_ms", state.heard_ms}, {"connected", state.way.connected || state.heard_ms == 0}};
  if (state.way.rtt_us >= 0) live["rtt_us"] = state.way.rtt_us;
  if (!state.way.trouble.empty()) live["trouble"] = state.way.trouble;
  if (state.role)
    live["role"] = *state.role == consensus::Role::voter     ? "voter"
                   : *state.role == consensus::Role::standby ? "standby"
                                                             : "spare";
  if (!state.hello) return live;
  live["seq"] = state.hello->seq;
  live["lag"] = head > state.hello->seq ? head - state.hello->seq : 0;
  live["term"] = state.hello->term;
  live["sees"] = state.hello->sees;
  if (!state.hello->ca.empty()) live["ca"] = state.hello->ca;
  if (!state.hello->also.empty()) live["trusts_also"] = state.hello->also;
  live["time"] = to_rfc3339(state.hello->time);
  live["clock_ahead_ms"] = state.clock_ahead.count();
  return live;
}

/// What Raft says; absent with --alone.
void append_raft(std::string& body, Api& api) {
  if (!api.options().peering) return;
  const auto gauges = api.system().gauges();
  const auto leader = api.options().peering->node_of(gauges.leader);
  Json raft{{"node", api.system().options().node},
            {"term", gauges.term},
            {"index", gauges.index},
            {"leading", gauges.leading},
            {"heard_ms", api.options().peering->leader_heard_ms()}};
  const auto clock = api.options().peering->clock();
  if (clock.off) raft["clock_off_ms"] = clock.off->count();
  raft["clock_lets_lead"] = clock.may_lead;
  raft["leader"] = leader.empty() ? Json(nullptr) : Json(leader);
  body += R"(,"raft":)" + raft.dump();
}

Response show_cluster(Api& api, const ViewSet& views) {
  const auto& cluster = view<cluster::View>(views);
  const auto live =
    api.options().peering ? api.options().peering->members() : std::map<std::string, MemberState>{};
  std::string body = R"({"identity":)" + to_json_text(*cluster.identity) + R"(,"members":[)";
  cluster.members.each([&](const std::string& name, const auto& member) {
    if (body.back() != '[') body += ',';
    append_member(body, name, member);
    if (const auto found = live.find(name); found != live.end()) {
      body.pop_back();
      body += R"(,"now":)" + live_member(found->second, views.seq).dump() + '}';
    }
  });
  body += R"(],"former":[)";
  cluster.former.each([&](uint64_t, const auto& former) {
    if (body.back() != '[') body += ',';
    body += to_json_text(former);
  });
  body += R"(],"checkpoints":[)";
  cluster.checkpoints.each([&](uint64_t seq, const auto& checkpoint) {
    if (body.back() != '[') body += ',';
    append_checkpoint(body, seq, checkpoint);
  });
  body += "],\"log\":" + to_json_text(cluster.log);
  append_raft(body, api);
  return json_response(body + "}");
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
                    [&api](const Request& q, const Reply& r) {
                      api.show(q, r, [&api](const ViewSet& views) { return show_cluster(api, views); });
                    },
                    "read"});
  api.router().add({Method::post, "/v1/cluster/upgrade",
                    [&api](const Request& q, const Reply& r) { upgrade_route(api, q, r); }, "admin", true});
}

}  // namespace muster::http
