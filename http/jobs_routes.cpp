// Jobs over HTTP: listed, planned, and run. What a run needs is prepared by the node that is to run it; the
// member that leads then accepts it.
#include "base/hash.hpp"
#include "domain/jobs/arguments.hpp"
#include "domain/jobs/common_flags.hpp"
#include "http/forward.hpp"
#include "http/run_shown.hpp"

namespace muster::http {
namespace {

constexpr size_t kMinKey = 20, kMaxKey = 128;  // Characters of an Idempotency-Key (jobs contract, section 9).
constexpr std::string_view kSubmitPath = "/v1/runs";

struct SourceBody {
  std::string name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
  }
};

struct JobBody {
  std::string job_id, requested_security_profile, node, of, on_error;
  RawJson args;
  std::optional<SourceBody> source;
  bool resume = false, unbound = false, keep_profile = false;
  std::optional<bool> strict, dry_run;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("job_id", self.job_id);
    visit("args", self.args);
    visit("source", self.source);
    visit("requested_security_profile", self.requested_security_profile);
    visit("node", self.node);
    visit("of", self.of);
    visit("resume", self.resume);
    visit("on_error", self.on_error);
    visit("strict", self.strict);
    visit("dry_run", self.dry_run);
    visit("unbound", self.unbound);
    visit("keep_profile", self.keep_profile);
  }
};

/// What the node that prepared a run asks the one that leads to record.
struct SubmitBody {
  runs::Accepted run;
  std::vector<runs::PolicyDecided> policies;
  std::string fingerprint;  ///< What the caller's Idempotency-Key stands for.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("policies", self.policies);
    visit("fingerprint", self.fingerprint);
  }
};

/// What the domain answers a submission with.
struct Said {
  std::string id, status;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("status", self.status);
  }
};

/// What the contract tells of an alias (section 12).
Response alias_problem(const Error& error, std::string_view request_id, const std::string& asked) {
  Json members{{"alias", asked}};
  for (const auto& one : error.fields) {
    Json contender{{"name", asked}, {"target_path", one.pointer}};
    if (!one.message.empty()) contender["target_id"] = one.message;
    members["contenders"].push_back(std::move(contender));
  }
  return with(problem({error.code, error.detail, {}}, request_id), members);
}

/// A problem; one of arguments names them as the contract has it, too.
Response job_problem(const Error& error, std::string_view request_id, const std::string& asked) {
  if (error.code.starts_with("alias.")) return alias_problem(error, request_id, asked);
  auto response = problem(error, request_id);
  if (!error.code.starts_with("arguments.")) return response;
  auto body = parse_json(response.body);
  auto named = jobs::argument_errors(error);
  if (!body || !named.is_array()) return response;
  for (size_t i = 0; i < named.size() && i < error.fields.size(); i++)
    named[i]["pointer"] = error.fields[i].pointer;
  (*body)["errors"] = std::move(named);
  response.body = body->dump();
  return response;
}

std::optional<JobAsk> ask_of(const Request& request, const Reply& reply) {
  auto body = read_body<JobBody>(request, reply, Unknown::refuse);
  if (!body) return std::nullopt;
  JobAsk ask;
  ask.job = body->job_id;
  ask.profile = body->requested_security_profile;
  ask.node = body->node;
  ask.of = body->of;
  ask.resume = body->resume;
  ask.unbound = body->unbound;
  ask.keep_profile = body->keep_profile;
  ask.strict = body->strict;
  ask.dry = body->dry_run;
  std::vector<FieldError> faults;
  if (!body->on_error.empty()) {
    ask.on_error = jobs::on_error_of(body->on_error);
    if (!ask.on_error) faults.push_back({"/on_error", "must be abort, continue or retry"});
  }
  if (ask.job.empty() && ask.of.empty()) faults.push_back({"/job_id", "is required"});
  if (ask.unbound && (request.path != "/plans" || !body->args.text.empty()))
    faults.push_back({"/unbound", "is for plans without args"});
  if (ask.resume && ask.of.empty()) faults.push_back({"/of", "is required: the run that is gone on with"});
  if (body->source) ask.source = body->source->name;
  if (body->source && ask.source.empty()) faults.push_back({"/source/name", "is required"});
  if (!body->args.text.empty()) {
    auto args = parse_json(body->args.text);
    if (args) ask.args = std::move(*args);
    if (!ask.args.is_object() && !ask.args.is_null()) faults.push_back({"/args", "must be an object"});
  }
  if (faults.empty()) return ask;
  reply(
    problem({"field.invalid", faults.front().pointer + " " + faults.front().message, faults}, request.id));
  return std::nullopt;
}

bool may_see_aliases(const Api& api, const Request& request) {
  if (api.options().aliases_public) return true;
  const auto prefix = api.options().auth.scope_prefix + ":";
  for (const std::string_view scope : request.principal.scopes) {
    const auto bare = scope.starts_with(prefix) ? scope.substr(prefix.size()) : scope;
    if (bare == "sources:write" || bare == "jobs:write" || scope.ends_with(":admin")) return true;
  }
  return false;
}

void jobs_route(Api& api, const Request& request, const Reply& reply) {
  const auto pages = pages_of(request);
  if (!pages) return reply(problem(pages.error(), request.id));
  if (!runs_jobs(api, request, reply)) return;
  const JobsAsk ask{may_see_aliases(api, request), request.query_value("all") == "true", pages->skip,
                    pages->limit};
  api.options().jobs->list(ask, [reply, id = std::string(request.id)](Result<JobPage> page) {
    if (!page) return reply(problem(page.error(), id));
    auto response = json_response(std::move(page->rows));
    response.headers.emplace_back("X-Flowd-Discovery-Errors", std::to_string(page->faults));
    reply(std::move(response));
  });
}

void plan_route(Api& api, const Request& request, const Reply& reply) {
  auto ask = ask_of(request, reply);
  if (!ask || !runs_jobs(api, request, reply)) return;
  const auto name = ask->job;
  api.options().jobs->plan(
    std::move(*ask), [reply, name, id = std::string(request.id)](const Result<Json>& plan) {
      reply(plan ? json_response(plan->dump(-1, ' ', false, Json::error_handler_t::replace))
                 : job_problem(plan.error(), id, name));
    });
}

/// The body however it is written.
std::string canonical(std::string_view body) {
  const auto json = parse_json(body);
  return json ? canonical_json(*json) : std::string{body};
}

/// Refuses a malformed key, and a digest that is not the body's; `computed` gets the body's where they
/// differ.
Status check_idempotency(const Request& request, std::string& computed) {
  const auto key = request.header("idempotency-key");
  const bool odd =
    key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") !=
    std::string_view::npos;
  if (!key.empty() && (odd || key.size() < kMinKey || key.size() > kMaxKey))
    return Error{
      "field.invalid", "Idempotency-Key must be 20 to 128 letters, digits, - or _ here; or send none", {}};
  const auto digest = request.header("idempotency-sha256");
  if (digest.empty()) return Done{};
  if (!digest_from_hex(digest)) return Error{"field.invalid", "Idempotency-SHA256 must be 64 hex digits", {}};
  auto own = sha256_hex(canonical(request.body));
  if (own == digest) return Done{};
  computed = std::move(own);
  return Error{"idempotency.conflict",
               "Idempotency-SHA256 is " + std::string(digest) + ", and the body's is " + computed,
               {}};
}

/// A request that outlives its handler.
std::shared_ptr<ForwardedRequest> kept(const Request& request) {
  auto copy = decode_request(encode_request(request));
  return copy ? std::shared_ptr<ForwardedRequest>(std::move(*copy)) : nullptr;
}

/// The run as it was accepted, once this node's views have it.
void show_accepted(Api& api, const Response& said, const Reply& reply, std::string id) {
  const auto accepted = from_json_text<Said>(said.body);
  if (!accepted) return reply(problem(accepted.error(), id));
  const auto header = [&](std::string_view name) {
    for (const auto& [key, value] : said.headers)
      if (key == name) return value;
    return std::string{};
  };
  const bool replayed = header("Idempotency-Replayed") == "true";
  auto query = std::make_shared<std::string>("after=" + header("X-Muster-Seq"));
  api.server().post([&api, reply, query, replayed, said = *accepted, id = std::move(id)] {
    Request request;
    request.query = *query;
    request.id = id;
    api.show(request, reply,
             [said, replayed, id, limits = api.system().options().run_limits](const ViewSet& views) {
               const auto& all = view<runs::View>(views);
               const auto* row = all.runs.find(said.id);
               if (!row) return problem({"not.found", "there is no run " + said.id + " any more", {}}, id);
               std::string body;
               RunShower{all, limits}.append(body, said.id, **row, said.status);
               auto response = json_response(std::move(body), 201);
               response.headers.emplace_back("Location", "/runs/" + said.id);
               if (replayed) response.headers.emplace_back("Idempotent-Replay", "true");
               return response;
             });
  });
}

/// Nobody knows whether it was accepted: what was prepared stays until the log says so.
bool unknown_outcome(const Response& response) {
  return response.body.find("\"outcome\":\"unknown\"") != std::string::npos;
}

void submit(Api& api, PreparedRun prepared, const ForwardedRequest& asked, const Reply& reply) {
  const auto run = prepared.submit.run.run;
  auto digest = sha256_hex(canonical(asked.request.body));
  SubmitBody body{std::move(prepared.submit.run), std::move(prepared.submit.policies),
                  "POST /runs\n" + digest};
  Api::InsideRequest inside;
  inside.path = kSubmitPath;
  inside.body = to_json_text(body);
  inside.id = asked.id;
  inside.principal = asked.request.principal;
  inside.headers = asked.headers;
  api.ask_inside(
    std::move(inside), [&api, run, reply, id = asked.id, digest = std::move(digest)](Response said) {
      const bool accepted = said.status == 200;
      const bool ours = accepted && said.body.find("\"" + run + "\"") != std::string::npos;
      if (!ours && !(said.status >= 500 && unknown_outcome(said))) api.options().jobs->forget(run);
      if (said.status == 422 && said.body.find("\"idempotency.mismatch\"") != std::string::npos)
        return reply(with(
          problem({"idempotency.conflict", "the Idempotency-Key was used for another body of POST /runs", {}},
                  id),
          {{"incoming_sha256", digest}}));
      if (!accepted) return reply(std::move(said));
      show_accepted(api, said, reply, id);
    });
}

void run_route(Api& api, const Request& request, const Reply& reply) {
  auto ask = ask_of(request, reply);
  if (!ask || !runs_jobs(api, request, reply)) return;
  std::string computed;
  if (auto good = check_idempotency(request, computed); !good) {
    Json members = Json::object();
    if (!computed.empty())
      members = {{"incoming_sha256", request.header("idempotency-sha256")}, {"computed_sha256", computed}};
    return reply(with(problem(good.error(), request.id), members));
  }
  if (auto low = may_record_runs(*api.system().views()); !low) return reply(problem(low.error(), request.id));
  auto asked = kept(request);
  if (!asked) return reply(problem({"bad.request", "the request cannot be kept", {}}, request.id));
  if (request.inside) ask->node = api.options().auth.node;  // Another member chose this one.
  const auto name = ask->job;
  api.options().jobs->prepare(std::move(*ask), [&api, asked, reply, name](Result<PreparedRun> prepared) {
    if (!prepared) return reply(job_problem(prepared.error(), asked->id, name));
    if (prepared->elsewhere.empty()) return submit(api, std::move(*prepared), *asked, reply);
    api.server().post(
      [&api, asked, reply, node = prepared->elsewhere] { api.hand_to(node, asked->request, reply); });
  });
}

void submit_route(Api& api, const Request& request, const Reply& reply) {
  auto body = read_body<SubmitBody>(request, reply);
  if (!body) return;
  auto origin = api.origin_of(request);
  if (!origin) return reply(problem(origin.error(), request.id));
  if (!origin->key.empty()) origin->fingerprint = body->fingerprint;
  runs::Submit command{std::move(body->run), std::move(body->policies), api.system().options().run_limits};
  auto answer = api.answer_to(request, reply, [id = std::string(request.id)](const Receipt& receipt) {
    if (const auto refused = runs::refusal_of(receipt.result)) return problem(*refused, id);
    return json_response(receipt.result);
  });
  if (answer) api.system().ask(runs::Command{std::move(command)}, std::move(*origin), std::move(*answer));
}

}  // namespace

void add_job_routes(Api& api) {
  auto& router = api.router();
  const auto add = [&](Method method, std::string pattern, auto handler, std::string action, bool body) {
    router.add({method, std::move(pattern),
                [&api, handler](const Request& request, const Reply& reply) { handler(api, request, reply); },
                std::move(action), body, true});
  };
  add(Method::get, "/jobs", jobs_route, "jobs:read", false);
  add(Method::post, "/plans", plan_route, "jobs:read", true);
  add(Method::post, "/runs", run_route, "runs:write", true);
  Route inside{Method::post, std::string(kSubmitPath),
               [&api](const Request& request, const Reply& reply) { submit_route(api, request, reply); },
               "runs:write", true};
  inside.inside = true;
  router.add(std::move(inside));
}

}  // namespace muster::http
