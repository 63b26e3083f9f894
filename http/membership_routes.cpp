// Members over HTTP: the way in, join tokens, removal, handing leadership on, and going on without a
// majority.
#include "adapters/join_token.hpp"
#include "base/hash.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

constexpr size_t kIdBytes = 8;
constexpr Millis kTokenLife{3600 * 1000};

/// GET /v1/cluster/entry: how a node that wants to join reaches a member.
struct EntryText {
  std::string cluster, node, address, ca;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("node", self.node);
    visit("address", self.address);
    visit("ca", self.ca);
  }
};

/// POST /v1/cluster/tokens. `expires` is a duration or a time.
struct TokenBody {
  std::string expires;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("expires", self.expires);
  }
};

/// A join token as GET /v1/cluster/tokens shows it: never its hash.
struct TokenRow {
  std::string id;
  Time made_at{}, expires_at{};
  std::string made_by;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("made_at", self.made_at);
    visit("expires_at", self.expires_at);
    visit("made_by", self.made_by);
  }
};

/// POST /v1/leader/transfer. No member: whoever is furthest.
struct TransferBody {
  std::string member;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
  }
};

Error alone() {
  return {"conflict", "this node was started with --alone: it has no other members", {}};
}

void entry_route(Api& api, const Request& request, const Reply& reply) {
  if (!api.options().peering) return reply(problem(alone(), request.id));
  const auto views = api.system().views();
  reply(json_response(
    to_json_text(EntryText{view<cluster::View>(*views).identity->cluster, api.system().options().node,
                           api.options().entry.address, api.options().entry.ca})));
}

void make_token(Api& api, const Request& request, const Reply& reply) {
  if (!api.options().peering) return reply(problem(alone(), request.id));
  TokenBody wanted;
  if (!request.body.empty()) {
    auto body = read_body<TokenBody>(request, reply, Unknown::refuse);
    if (!body) return;
    wanted = std::move(*body);
  }
  const auto now = api.system().options().now();
  auto expires = wanted.expires.empty() ? Result<Time>{now + kTokenLife} : expiry_of(wanted.expires, now);
  if (!expires) return reply(problem(expires.error(), request.id));
  const auto secret = new_join_secret();
  const auto text = to_text(JoinToken{api.options().entry.ca, secret});
  if (!text) return reply(problem(text.error(), request.id));
  const cluster::JoinTokenMade made{random_hex(kIdBytes), sha256_hex(to_hex(secret)), *expires};
  auto answer = std::string{R"({"id":)"};
  append_json_string(answer, made.token);
  answer += R"(,"token":)";
  append_json_string(answer, *text);
  answer += R"(,"expires_at":)";
  append_json_string(answer, to_rfc3339(*expires));
  answer += R"(,"join":)";
  append_json_string(answer, api.options().entry.address);
  api.command(
    request, reply, cluster::Command{cluster::MakeJoinToken{made}},
    [answer = answer + "}"](const Receipt&) {
      auto response = json_response(answer);
      response.headers.emplace_back("Cache-Control", "no-store");
      return response;
    },
    true);
}

/// The member's id in Raft; 0: whoever is furthest. Error: `member.unknown`.
Result<consensus::MemberId> raft_id(const ViewSet& views, const std::string& name) {
  if (name.empty()) return consensus::MemberId{0};
  const auto* member = view<cluster::View>(views).members.find(name);
  if (!member || member->id == 0) return Error{"member.unknown", "there is no member " + name, {}};
  return member->id;
}

void transfer_route(Api& api, const Request& request, const Reply& reply) {
  TransferBody wanted;
  if (!request.body.empty()) {
    auto body = read_body<TransferBody>(request, reply, Unknown::refuse);
    if (!body) return;
    wanted = std::move(*body);
  }
  const auto to = raft_id(*api.system().views(), wanted.member);
  if (!to) return reply(problem(to.error(), request.id));
  api.system().change(
    [to = *to](consensus::Replica& replica) { return replica.transfer(to); },
    [reply, id = std::string(request.id)](const Status& done) {
      reply(done ? json_response("{\"transferring\":true}", 202) : problem(done.error(), id));
    });
}

}  // namespace

void add_membership_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::get, "/v1/cluster/entry",
              [&api](const Request& q, const Reply& r) { entry_route(api, q, r); }, "open"});
  router.add({Method::post, "/v1/cluster/tokens",
              [&api](const Request& q, const Reply& r) { make_token(api, q, r); }, "admin", true});
  router.add({Method::get, "/v1/cluster/tokens",
              [&api](const Request& q, const Reply& r) {
                show_rows(api, q, r, &cluster::View::join_tokens,
                          [](const std::string& id, const cluster::View::JoinToken& row) {
                            return TokenRow{id, row.made_at, row.expires, row.actor};
                          });
              },
              "admin"});
  router.add({Method::del, "/v1/cluster/tokens/{id}",
              [&api](const Request& q, const Reply& r) {
                api.command(q, r, cluster::Command{cluster::RevokeJoinToken{std::string(q.param("id"))}},
                            no_content);
              },
              "admin"});
  router.add({Method::del, "/v1/cluster/members/{id}",
              [&api](const Request& q, const Reply& r) {
                api.command(q, r, cluster::Command{cluster::Leave{std::string(q.param("id"))}}, no_content);
              },
              "admin"});
  router.add({Method::post, "/v1/leader/transfer",
              [&api](const Request& q, const Reply& r) { transfer_route(api, q, r); }, "admin", true});
}

}  // namespace muster::http
