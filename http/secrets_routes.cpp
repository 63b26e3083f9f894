// Secrets over HTTP: sealed, listed by name, removed. Values go in and never come out.
#include "adapters/sealed_secrets.hpp"
#include "base/hash.hpp"
#include "http/rows.hpp"

namespace muster::http {
namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kMaxValue = 64 * 1024;

/// PUT /v1/secrets/{name}. `ttl` is a duration (1h).
struct SealBody {
  std::string value, ttl;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("value", self.value);
    visit("ttl", self.ttl);
  }
};

/// A secret as GET /v1/secrets shows it.
struct Entry {
  std::string name, holder;
  Time created_at{}, expires_at{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("holder", self.holder);
    visit("created_at", self.created_at);
    visit("expires_at", self.expires_at);
  }
};

Entry entry_of(const std::string& name, const secrets::View::Row& row) {
  return {name, row.holder, row.created_at, row.expires_at};
}

Result<Millis> ttl_of(const SealBody& body, Millis fallback) {
  if (body.ttl.empty()) return std::min(fallback, secrets::kLifetime);
  if (const auto ttl = parse_duration(body.ttl)) return *ttl;
  const std::string what = "must be a duration, such as 1h";
  return Error{"field.invalid", "/ttl " + what, {{"/ttl", what}}};
}

Status check(const SealBody& body) {
  if (body.value.empty()) return Error{"field.invalid", "/value is required", {{"/value", "is required"}}};
  if (body.value.size() > kMaxValue)
    return Error{"body.too.large",
                 "/value is larger than " + std::to_string(kMaxValue) + " bytes (limit max-secret)",
                 {}};
  return Done{};
}

/// Sealed bytes whose event was not committed are erased; when nobody knows, the next start settles it.
Answer or_erase(System& system, const std::string& secret, const Answer& answer) {
  return Answer{[&system, secret, answer](const Result<Receipt>& outcome) {
    const bool kept = outcome ? !outcome->replayed : outcome.error().outcome_unknown;
    if (!kept) system.read_slowly([&system, secret] { (void)erase_secrets(system.disk(), {secret}); });
    answer(outcome);
  }};
}

/// What the domain says, and who does not have the value yet.
Response sealed(const Receipt& receipt, const std::vector<std::string>& without) {
  auto answer = Json::parse(receipt.result);
  if (!without.empty()) answer["without"] = without;
  return json_response(answer.dump());
}

/// The value is on disk, sealed, here and on the other members that hold the log, before the log tells of it.
void seal_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<SealBody>(request, reply);
  if (!body) return;
  if (auto status = check(*body); !status) return reply(problem(status.error(), request.id));
  const auto ttl = ttl_of(*body, api.options().secret_ttl);
  if (!ttl) return reply(problem(ttl.error(), request.id));
  auto origin = api.origin_of(request);
  if (!origin) return reply(problem(origin.error(), request.id));
  auto& system = api.system();
  const auto& options = system.options();
  const secrets::Seal command{std::string(request.param("name")), random_hex(kIdBytes), options.node,
                              options.now() + *ttl};
  const auto without = std::make_shared<std::vector<std::string>>();
  auto answer =
    api.answer_to(request, reply, [without](const Receipt& receipt) { return sealed(receipt, *without); });
  if (!answer) return;
  system.read_slowly([&api, &system, without, command, value = std::move(body->value),
                      origin = std::move(*origin), answer = std::move(*answer)] {
    if (auto status = store_secret(system.disk(), system.keys(), command.secret, value); !status)
      return answer(status.error());
    const auto tell = [&system, without, command, origin, answer](std::vector<std::string> lacking) {
      *without = std::move(lacking);
      system.ask(secrets::Command{command}, origin, or_erase(system, command.secret, answer));
    };
    if (!api.options().sharing) return tell({});
    api.options().sharing->spread(command.secret, value, tell);
  });
}

/// POST /v1/secrets/{name}:check.
struct CheckBody {
  std::string value;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("value", self.value);
  }
};

/// Whether a value is the sealed one, as this member unseals it: it never comes out.
void check_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<CheckBody>(request, reply, Unknown::refuse);
  if (!body) return;
  if (auto status = check({body->value, ""}); !status) return reply(problem(status.error(), request.id));
  auto& system = api.system();
  const std::string name{request.param("name")}, id{request.id};
  const auto views = system.views();
  const auto* row = view<secrets::View>(*views).secrets.find(name);
  if (!row || row->expires_at <= system.options().now())
    return reply(problem({"not.found", "there is no secret " + name, {}}, id));
  system.read_slowly([&system, name, id, secret = row->secret, value = std::move(body->value), reply] {
    const auto kept = load_secret(system.disk(), system.keys(), secret);
    if (!kept)
      return reply(problem({"secret.elsewhere", system.options().node + " does not have " + name, {}}, id));
    const bool same = equal_in_constant_time(sha256_hex(*kept), sha256_hex(value));
    reply(json_response(Json{{"name", name}, {"member", system.options().node}, {"same", same}}.dump()));
  });
}

void one_route(Api& api, const Request& request, const Reply& reply) {
  api.show(request, reply,
           [name = std::string(request.param("name")), id = std::string(request.id)](const ViewSet& views) {
             const auto* row = view<secrets::View>(views).secrets.find(name);
             if (!row) return problem({"not.found", "there is no secret " + name, {}}, id);
             return json_response(to_json_text(entry_of(name, *row)));
           });
}

}  // namespace

void add_secret_routes(Api& api) {
  auto& router = api.router();
  router.add({Method::put, "/v1/secrets/{name}",
              [&api](const Request& q, const Reply& r) { seal_route(api, q, r); }, "admin", true});
  router.add({Method::post, "/v1/secrets/{name}:check",
              [&api](const Request& q, const Reply& r) { check_route(api, q, r); }, "admin", true, true});
  router.add(
    {Method::get, "/v1/secrets",
     [&api](const Request& q, const Reply& r) { show_rows(api, q, r, &secrets::View::secrets, entry_of); },
     "admin"});
  router.add({Method::get, "/v1/secrets/{name}",
              [&api](const Request& q, const Reply& r) { one_route(api, q, r); }, "admin"});
  router.add({Method::del, "/v1/secrets/{name}",
              [&api](const Request& q, const Reply& r) {
                api.command(q, r, secrets::Command{secrets::Remove{std::string(q.param("name"))}},
                            no_content);
              },
              "admin"});
}

}  // namespace muster::http
