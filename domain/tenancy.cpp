// The four sizes and what each unlocks.
#include "domain/tenancy.hpp"

#include <algorithm>

#include "domain/object_reader.hpp"

namespace muster::tenancy {
namespace {

struct Size {
  std::string_view code;
  std::string_view title;
  bool distributed;
  bool quorum;
};

constexpr Size kSolo{"Solo", "Single-node development mode.", false, false};
constexpr Size kParty{"Party", "Distributed storage unlocked; limited HA queues.", true, false};
constexpr Size kGuild{"Guild", "Consensus achieved; production-grade queues.", true, true};
constexpr Size kRealm{"Realm", "High availability at scale; multi-pool storage.", true, true};

const Size& size_of(int64_t nodes) {
  if (nodes <= 1) return kSolo;
  if (nodes == 2) return kParty;
  return nodes == 3 ? kGuild : kRealm;
}

}  // namespace

Result<Request> parse(const Json& body) {
  Request request;
  if (body.is_null()) return request;
  names::Check check;
  ObjectReader reader(body, "", check);
  request.profile = reader.text("profile", Need::optional, 64).value_or("");
  if (const Json* cluster = reader.object("cluster"))
    request.nodes = ObjectReader(*cluster, "/cluster", check).integer("nodes", 0, kMaxNodes).value_or(0);
  if (auto status = check.done(); !status) return status.error();
  return request;
}

Json plan(const Request& request) {
  const Size& size = size_of(request.nodes);
  const bool tls = request.profile != "dev";
  const int64_t servers = size.distributed ? request.nodes : 1;
  return {
    {"profile", request.profile},
    {"achievement",
     {{"code", size.code},
      {"title", size.title},
      {"capabilities",
       {{"distributed_storage", size.distributed},
        {"quorum_queues", size.quorum},
        {"tls_enforced", tls},
        {"audit_streaming", true}}}}},
    {"storage",
     {{"mode", size.distributed ? "distributed" : "fs"},
      {"servers", servers},
      {"volumes_per_server", size.distributed ? 2 : 1},
      {"versioning", true},
      {"require_tls", tls},
      {"enable_audit_hook", true}}},
    {"queue",
     {{"replicas", std::min<int64_t>(servers, 3)},
      {"quorum_queues", size.quorum},
      {"require_tls", tls},
      {"dlx_per_tenant", true},
      {"tracing_to_audit_exchange", true}}},
  };
}

}  // namespace muster::tenancy
