// One-time claims over HTTP: open, watch, fulfil, list (supervisor contract, section 12).
#include "base/hash.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kHeartbeat{15};
constexpr size_t kIdBytes = 16, kTokenBytes = 16;

/// POST /api/claims/fulfill. Without an id, the token finds its claim.
struct FulfillBody {
  std::optional<std::string> id;
  std::string token, node_id;
  RawJson info;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("token", self.token);
    visit("node_id", self.node_id);
    visit("info", self.info);
  }
};

/// A claim as GET /v1/claims shows it: neither its token nor the token's hash.
struct Entry {
  std::string id, status;
  Time opened_at{}, expires_at{}, closed_at{};
  std::string node_id;
  RawJson info;
  uint64_t seq = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("status", self.status);
    visit("opened_at", self.opened_at);
    visit("expires_at", self.expires_at);
    visit("closed_at", self.closed_at);
    visit("node_id", self.node_id);
    visit("info", self.info);
    visit("seq", self.seq);
  }
};

/// Who fulfilled a claim: the second message of a watch, when they said so.
struct Claimant {
  std::string node_id;
  RawJson info;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("info", self.info);
  }
};

Error unknown_claim() {
  return {"claim.invalid", "invalid claim", {}};
}

/// Waits for the end of one claim. Looks at the published views whenever it is woken.
class Watch : public Stream {
public:
  Watch(System& system, std::string claim, std::shared_ptr<size_t> watchers)
    : system_(system), claim_(std::move(claim)), watchers_(std::move(watchers)) {
    ++*watchers_;
  }
  ~Watch() override { --*watchers_; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  State pull(std::vector<Bytes>& into, size_t) override {
    const auto views = system_.views();
    const auto& claims = view<claims::View>(*views);
    if (claims.about.changed != seen_) {
      seen_ = claims.about.changed;
      const auto* row = claims.claims.find(claim_);
      if (row && row->state != "open") {
        into.push_back(std::make_shared<const std::string>(ending(*row)));
        return State::ended;
      }
    }
    if (const auto now = SteadyClock::now(); now >= quiet_since_ + kHeartbeat) {
      quiet_since_ = now;
      into.push_back(std::make_shared<const std::string>(": heartbeat\n\n"));
    }
    return State::idle;
  }

  [[nodiscard]] std::optional<SteadyClock::time_point> wake_at() const override {
    return quiet_since_ + kHeartbeat;
  }

private:
  static std::string ending(const claims::View::Row& row) {
    if (row.state != "fulfilled") return "event: expired\ndata: expired\n\n";
    std::string text = "data: fulfilled\n\n";
    if (row.node.empty() && row.info.text.empty()) return text;
    return text + "event: claimant\ndata: " + to_json_text(Claimant{row.node, row.info}) + "\n\n";
  }

  System& system_;
  const std::string claim_;
  std::shared_ptr<size_t> watchers_;
  uint64_t seen_ = 0;
  SteadyClock::time_point quiet_since_ = SteadyClock::now();
};

void new_route(Api& api, const Request& request, const Reply& reply) {
  const auto id = random_hex(kIdBytes), token = random_hex(kTokenBytes);
  const auto expires_at = api.system().options().now() + api.options().claim_ttl;
  api.command(
    request, reply, claims::Command{claims::Open{id, sha256_hex(token), expires_at}},
    [answer = R"({"id":")" + id + R"(","token":")" + token + R"("})"](const Receipt&) {
      auto response = json_response(answer);
      response.headers.emplace_back("Cache-Control", "no-store");
      return response;
    },
    true);
}

void watch_route(Api& api, const Request& request, const Reply& reply,
                 const std::shared_ptr<size_t>& watchers) {
  const std::string id{request.param("id")};
  const auto views = api.system().views();
  if (!view<claims::View>(*views).claims.contains(id)) {
    // Opened a moment ago, it may be in the log and not yet in the views.
    const auto known = api.system().chain().version("claim/" + id);
    if (known <= views->seq) return reply(problem(unknown_claim(), request.id));
  }
  if (*watchers + api.tails().readers() >= api.options().max_tails)
    return reply(problem(
      {"rate.limited", std::to_string(api.options().max_tails) + " streams are open (limit max-tails)", {}},
      request.id));
  Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.stream = std::make_unique<Watch>(api.system(), id, watchers);
  reply(std::move(response));
}

void fulfill_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<FulfillBody>(request, reply);
  if (!body) return;
  Error bad{"bad.json", "bad json", {}};
  if (body->id && body->id->empty()) bad.fields.push_back({"/id", "must not be empty"});
  if (body->token.empty()) bad.fields.push_back({"/token", "is required"});
  if (!bad.fields.empty()) return reply(problem(bad, request.id));
  claims::Fulfill fulfill{body->id.value_or(""), sha256_hex(body->token), std::move(body->node_id),
                          std::move(body->info)};
  api.command(request, reply, claims::Command{std::move(fulfill)}, no_content);
}

}  // namespace

void add_claim_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::post, "/api/claims/new",
              [&api](const Request& q, const Reply& r) { new_route(api, q, r); }, "claims", true});
  router.add({Method::get, "/api/claims/{id}/watch",
              [&api, watchers = std::make_shared<size_t>(0)](const Request& q, const Reply& r) {
                watch_route(api, q, r, watchers);
              },
              "claims"});
  router.add({Method::post, "/api/claims/fulfill",
              [&api](const Request& q, const Reply& r) { fulfill_route(api, q, r); }, "claims", true});
  router.add({Method::get, "/v1/claims",
              [&api](const Request& q, const Reply& r) {
                show_rows(api, q, r, &claims::View::claims,
                          [](const std::string& id, const claims::View::Row& row) {
                            return Entry{id,       row.state, row.opened_at, row.expires_at, row.closed_at,
                                         row.node, row.info,  row.seq};
                          });
              },
              "read"});
}

}  // namespace muster::http
