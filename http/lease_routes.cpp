// The leader lease over HTTP.
#include "http/routes.hpp"

namespace muster::http {
namespace {

/// POST /v1/leader/claim (supervisor contract, section 8).
struct ClaimBody {
  std::string node_id, url;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("url", self.url);
  }
};

struct Leader {
  std::string leader_url;
  uint64_t epoch = 0;
  std::string node_id;
  Time granted_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("leader_url", self.leader_url);
    visit("epoch", self.epoch);
    visit("node_id", self.node_id);
    visit("granted_at", self.granted_at);
  }
};

/// Who hears nobody that leads does not hear of renewals either: after a TTL the lease that it knows has
/// lapsed, or would have, and another may hold it (supervisor contract, section 8: not found when it is
/// stale).
bool is_stale(Api& api) {
  const auto* peering = api.options().peering;
  return peering && !api.system().gauges().leading &&
         peering->leaderless() > api.system().options().leader_ttl;
}

Response show_leader(const ViewSet& views, const std::string& request) {
  const auto& lease = view<lease::View>(views);
  if (!lease.held()) return problem({"leader.none", "nobody holds the leader lease", {}}, request);
  return json_response(
    to_json_text(Leader{lease.holder.url, lease.holder.epoch, lease.holder.node, lease.holder.granted_at}));
}

}  // namespace

void add_lease_routes(Api& api) {
  api.router().add(
    {Method::get, "/v1/leader",
     [&api](const Request& q, const Reply& r) {
       const bool is_past = q.query_value("as_of").has_value();
       api.show(q, r, [&api, is_past, id = std::string(q.id)](const ViewSet& views) {
         if (!is_past && is_stale(api))
           return problem(
             {"leader.none", "nobody who leads was heard for a TTL, so the lease that is known is stale", {}},
             id);
         return show_leader(views, id);
       });
     },
     "open"});
  api.router().add({Method::post, "/v1/leader/claim",
                    [&api](const Request& q, const Reply& r) {
                      auto body = read_body<ClaimBody>(q, r);
                      if (!body) return;
                      api.command(
                        q, r, lease::Command{lease::Claim{std::move(body->node_id), std::move(body->url)}},
                        [](const Receipt& receipt) { return json_response(receipt.result); });
                    },
                    "leader.claim", true});
}

}  // namespace muster::http
