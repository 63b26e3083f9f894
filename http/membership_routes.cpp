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
  Time created_at{};                 ///< Of the cluster.
  bool bare = false, seeks = false;  ///< As finding::Advert has them: nothing to miss; asks at URLs itself.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("node", self.node);
    visit("address", self.address);
    visit("ca", self.ca);
    visit("created_at", self.created_at);
    visit("bare", self.bare);
    visit("seeks", self.seeks);
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

/// POST /v1/cluster/recover.
struct RecoverBody {
  bool dry_run = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dry_run", self.dry_run);
  }
};

/// POST /v1/cluster/key. `force`: a change that is under way goes on without the members that are silent.
struct KeyBody {
  bool force = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("force", self.force);
  }
};

constexpr int64_t kAliveMs = 5'000;  // Who was heard within it counts as alive.

Error alone() {
  return {"conflict", "this node was started with --alone: it has no other members", {}};
}

void entry_route(Api& api, const Request& request, const Reply& reply) {
  if (!api.options().peering) return reply(problem(alone(), request.id));
  const auto views = api.system().views();
  const auto& identity = *view<cluster::View>(*views).identity;
  const auto& entry = api.options().entry;
  reply(json_response(to_json_text(EntryText{identity.cluster, api.system().options().node, entry.address,
                                             entry.ca(), identity.created_at, entry.bare(), entry.seeks})));
}

void make_token(Api& api, const Request& request, const Reply& reply) {
  TokenBody wanted;
  if (!request.body.empty()) {
    auto body = read_body<TokenBody>(request, reply, Unknown::refuse);
    if (!body) return;
    wanted = std::move(*body);
  }
  if (!api.options().peering) return reply(problem(alone(), request.id));
  const auto now = api.system().options().now();
  auto expires = wanted.expires.empty() ? Result<Time>{now + kTokenLife} : expiry_of(wanted.expires, now);
  if (!expires) return reply(problem(expires.error(), request.id));
  const auto secret = new_join_secret();
  const auto text = to_text(JoinToken{api.options().entry.ca(), secret});
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

/// The voters that this member does not hear. Error: `conflict` while somebody leads or a majority is heard.
Result<std::vector<std::string>> lost_voters(Api& api) {
  auto& peering = *api.options().peering;
  if (const auto heard = peering.leader_heard_ms(); heard >= 0 && heard < kAliveMs)
    return Error{"conflict", "somebody leads: nothing is to be recovered", {}};
  std::vector<std::string> lost;
  size_t voters = 0;
  for (const auto& [node, state] : peering.members()) {
    if (state.role != consensus::Role::voter) continue;
    voters++;
    if (state.heard_ms < 0 || state.heard_ms > kAliveMs) lost.push_back(node);
  }
  if ((voters - lost.size()) * 2 > voters)
    return Error{"conflict",
                 std::to_string(voters - lost.size()) + " of " + std::to_string(voters) +
                   " voters are alive: they elect a leader by themselves",
                 {}};
  return lost;
}

void key_route(Api& api, const Request& request, const Reply& reply) {
  KeyBody wanted;
  if (!request.body.empty()) {
    auto body = read_body<KeyBody>(request, reply, Unknown::refuse);
    if (!body) return;
    wanted = *body;
  }
  if (!api.options().rotate_key) return reply(problem(alone(), request.id));
  auto origin = api.origin_of(request);
  if (!origin) return reply(problem(origin.error(), request.id));
  auto answer =
    api.answer_to(request, reply, [](const Receipt& receipt) { return json_response(receipt.result, 202); });
  if (answer) api.options().rotate_key(wanted.force, std::move(*origin), std::move(*answer));
}

/// Who is removed is cut off at once, so that the voters that stay have to be a majority without it, and the
/// only voter could not even give its vote to another. Error: `conflict` with how many are heard.
Status may_go(Api& api, const std::string& name) {
  if (!api.options().peering) return Done{};
  const auto members = api.options().peering->members();
  size_t others = 0, heard = 0;
  bool votes = false;
  for (const auto& [node, state] : members) {
    if (state.role != consensus::Role::voter) continue;
    if (node == name)
      votes = true;
    else
      others++, heard += state.heard_ms >= 0 && state.heard_ms <= kAliveMs ? 1 : 0;
  }
  if (votes && others == 0 && members.size() > 1)
    return Error{"conflict",
                 name +
                   " is the only voter: without it nobody could decide anything any more; start a third "
                   "member first, or stop it and let another go on with muster :cluster recover",
                 {}};
  if (!votes || others == 0 || heard * 2 > others) return Done{};
  return Error{"conflict",
               "without " + name + " only " + std::to_string(heard) + " of the " + std::to_string(others) +
                 " other voters are heard, and nothing could be decided any more: start the silent one, or "
                 "wait until it is replaced (--member-grace)",
               {}};
}

void remove_route(Api& api, const Request& request, const Reply& reply) {
  std::string name{request.param("id")};
  if (auto may = may_go(api, name); !may) return reply(problem(may.error(), request.id));
  const auto* reason = request.query_value("left") == "true" ? "left" : "removed";
  api.command(request, reply, cluster::Command{cluster::Leave{std::move(name), reason}}, no_content);
}

/// This member itself goes on: there is nobody to hand the request to.
void recover_route(Api& api, const Request& request, const Reply& reply) {
  RecoverBody wanted;
  if (!request.body.empty()) {
    auto body = read_body<RecoverBody>(request, reply, Unknown::refuse);
    if (!body) return;
    wanted = *body;
  }
  if (!api.options().peering) return reply(problem(alone(), request.id));
  auto lost = lost_voters(api);
  if (!lost) return reply(problem(lost.error(), request.id));
  const auto answer = Json{
    {"member", api.system().options().node},
    {"lost", *lost},
    {"seq", api.system().views()->seq},
    {"dry_run",
     wanted.dry_run}}.dump();
  if (wanted.dry_run) return reply(json_response(answer));
  api.system().recover(std::move(*lost), [reply, answer, id = std::string(request.id)](const Status& done) {
    reply(done ? json_response(answer) : problem(done.error(), id));
  });
}

}  // namespace

void add_membership_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::get, "/v1/cluster/entry",
              [&api](const Request& q, const Reply& r) { entry_route(api, q, r); }, "open", false, true});
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
              [&api](const Request& q, const Reply& r) { remove_route(api, q, r); }, "admin"});
  router.add({Method::post, "/v1/cluster/recover",
              [&api](const Request& q, const Reply& r) { recover_route(api, q, r); }, "admin", true, true});
  router.add({Method::post, "/v1/cluster/key",
              [&api](const Request& q, const Reply& r) { key_route(api, q, r); }, "admin", true});
  router.add({Method::post, "/v1/leader/transfer",
              [&api](const Request& q, const Reply& r) { transfer_route(api, q, r); }, "admin", true});
}

}  // namespace muster::http
