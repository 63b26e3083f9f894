// API tokens over HTTP: make, list, revoke.
#include "base/hash.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

constexpr size_t kIdBytes = 8, kTokenBytes = 20;

/// POST /v1/tokens. `expires` is a duration (7d) or a time (RFC 3339).
struct CreateBody {
  std::string name, expires;
  std::vector<std::string> scopes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("expires", self.expires);
    visit("scopes", self.scopes);
  }
};

/// A token as GET /v1/tokens shows it: never its hash.
struct Entry {
  std::string id, name;
  std::vector<std::string> scopes;
  Time created_at{};
  std::string created_by;
  Time expires_at{};
  bool revoked = false;
  Time revoked_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("name", self.name);
    visit("scopes", self.scopes);
    visit("created_at", self.created_at);
    visit("created_by", self.created_by);
    visit("expires_at", self.expires_at);
    visit("revoked", self.revoked);
    visit("revoked_at", self.revoked_at);
  }
};

void create_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<CreateBody>(request, reply);
  if (!body) return;
  const auto expires_at = expiry_of(body->expires, api.system().options().now());
  if (!expires_at) return reply(problem(expires_at.error(), request.id));
  const auto token = "mst_" + random_hex(kTokenBytes);
  tokens::Create create{random_hex(kIdBytes), std::move(body->name), sha256_hex(token),
                        std::move(body->scopes), *expires_at};
  api.command(
    request, reply, tokens::Command{std::move(create)},
    [token](const Receipt& receipt) {
      auto response = json_response(R"({"token":")" + token + "\"," + receipt.result.substr(1));
      response.headers.emplace_back("Cache-Control", "no-store");
      return response;
    },
    true);
}

}  // namespace

void add_token_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::post, "/v1/tokens",
              [&api](const Request& q, const Reply& r) { create_route(api, q, r); }, "admin", true});
  router.add(
    {Method::get, "/v1/tokens",
     [&api](const Request& q, const Reply& r) {
       show_rows(api, q, r, &tokens::View::tokens, [](const std::string& id, const tokens::View::Row& row) {
         return Entry{id,          row.name,      row.scopes, row.created_at, row.created_by, row.expires_at,
                      row.revoked, row.revoked_at};
       });
     },
     "admin"});
  router.add({Method::del, "/v1/tokens/{id}",
              [&api](const Request& q, const Reply& r) {
                api.command(q, r, tokens::Command{tokens::Revoke{std::string(q.param("id"))}}, no_content);
              },
              "admin"});
}

}  // namespace muster::http
