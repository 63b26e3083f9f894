// Every request's way: route, authenticate, authorize, handle; and what follows from it.
#include "http/api.hpp"

#include <charconv>

#include <spdlog/spdlog.h>

#include "http/log_line.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxWaiting = 4096;  // Requests that wait for ?after, at most.
constexpr size_t kMaxKey = 255;       // Characters of an Idempotency-Key.
constexpr std::chrono::seconds kWaitForSeq{5};
constexpr int64_t kStaleAfterMs = 3000;  // Nobody who leads was heard for this long.

bool is_json(std::string_view content_type) {
  const auto type = content_type.substr(0, content_type.find(';'));
  return type == "application/json" || type == "application/json " || type.empty() ||
         (type.starts_with("application/") && type.ends_with("+json"));
}

Response with_seq(Response response, uint64_t seq) {
  response.headers.emplace_back("X-Muster-Seq", std::to_string(seq));
  return response;
}

}  // namespace

Api::Api(System& system, ApiOptions options)
  : system_(system),
    options_(std::move(options)),
    authenticator_(options_.auth),
    metrics_(options_.version),
    run_metrics_(options_.version, options_.security_profile, system.options().counts),
    tails_(system.chain()) {
  tails_.start(system.views()->seq);
  add_node_routes(*this);
  add_lease_routes(*this);
  add_event_routes(*this);
  add_log_routes(*this);
  add_status_routes(*this);
  add_openapi_route(*this);
  add_claim_routes(*this);
  add_token_routes(*this);
  add_secret_routes(*this);
  add_plan_routes(*this);
  add_batch_routes(*this);
  add_tenancy_routes(*this);
  add_bootstrap_routes(*this);
  add_artifact_routes(*this);
  add_environment_routes(*this);
  add_prune_routes(*this);
  add_cluster_routes(*this);
  add_cluster_plan_route(*this);
  add_membership_routes(*this);
  add_audit_routes(*this);
  add_service_routes(*this);
  add_run_routes(*this);
  add_source_routes(*this);
  add_job_routes(*this);
  add_run_stream_routes(*this);
}

Api::~Api() = default;

void Api::serve_behind(Server& server) {
  server_ = &server;
}

void Api::handle(Request& request, const Reply& reply, std::string_view& route) {
  auto principal = authenticator_.authenticate(request, *system_.views(), system_now());
  if (!principal && without_log()) return hand_on(request, reply);  // Tokens are known where the log is.
  if (!principal) return reply(problem(principal.error(), request.id));
  request.principal = std::move(*principal);
  if (!options_.dev || request.header("origin").empty()) return dispatch(request, reply, route);
  Response headers;  // Of a page on localhost, under --dev.
  cors(request, headers);
  if (request.method == Method::options && !headers.headers.empty()) {
    headers.status = 204;
    return reply(std::move(headers));
  }
  dispatch(request,
           Reply{[reply, extra = headers.headers](Response response) {
                   for (const auto& header : extra) response.headers.push_back(header);
                   reply(std::move(response));
                 },
                 request.id},
           route);
}

void Api::cors(const Request& request, Response& response) const {
  const auto origin = request.header("origin");
  if (!is_local_origin(origin)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", std::string(origin));
  response.headers.emplace_back("Vary", "Origin");
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
  response.headers.emplace_back(
    "Access-Control-Allow-Headers",
    "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Request-Id, Last-Event-ID");
  response.headers.emplace_back("Access-Control-Expose-Headers",
                                "X-Muster-Seq, X-Muster-Stale, X-Next-Cursor, X-Request-Id, ETag");
}

void Api::dispatch(Request& request, const Reply& reply, std::string_view& route) {
  auto found = router_.find(request.method, request.path);
  if (!found.route) {
    if (found.allowed.empty())
      return reply(
        problem({"not.found", "there is nothing at " + std::string(request.path), {}}, request.id));
    if (request.method == Method::options) return reply(allowed_methods(found));
    return reply(method_not_allowed(found, request));
  }
  if (found.route->inside && !request.inside)
    return reply(problem({"not.found", "there is nothing at " + std::string(request.path), {}}, request.id));
  route = found.route->pattern;
  if (request.principal.anonymous() && !request.inside)
    request.principal = authenticator_.nameless(request, found.route->action);
  if (auto allowed = authenticator_.authorize(request.principal, found.route->action, *system_.views());
      !allowed)
    return reply(problem(allowed.error(), request.id));
  if (found.route->takes_body && !request.body.empty() && !is_json(request.header("content-type")))
    return reply(problem({"body.type.unsupported", "send Content-Type: application/json", {}}, request.id));
  if (elsewhere(*found.route, request)) return hand_on(request, reply);
  request.params = std::move(found.params);
  found.route->handler(request, reply);
}

void Api::finished(const Finished& request) {
  metrics_.finished(request);
  log_request(request);
}

void Api::begin() {
  System::gather_asks();
}

void Api::turn_ended() {
  System::send_asks();
}

void Api::tick() {
  sweep();
  if (!waiting_.empty()) wake_waiting();
}

/// One line a request.
void Api::log_request(const Finished& request) const {
  const bool probe = request.route == "/readyz";  // Asked until it says yes: no warning.
  const auto level = request.status >= 500 && !probe ? spdlog::level::warn : spdlog::level::info;
  if (!spdlog::should_log(level)) return;
  thread_local std::string line;
  LogLine{line, options_.json_log, "request"}
    .text("method", request.method)
    .text("path", request.path)
    .number("status", request.status)
    .number("us", request.took.count())
    .text("request", request.id)
    .text("actor", request.actor)
    .number("in", request.bytes_in)
    .number("out", request.bytes_out);
  spdlog::default_logger_raw()->log(level, spdlog::string_view_t{line.data(), line.size()});
}

/// Drops what was answered; answers what waited too long. The oldest stands first.
void Api::sweep() {
  const auto now = SteadyClock::now();
  while (!in_flight_.empty() && (in_flight_.front().second.answered() || in_flight_.front().first <= now)) {
    in_flight_.front().second(
      problem({"command.timeout", "the command was not committed within --command-timeout", {}, true}, ""));
    in_flight_.pop_front();  // One that was answered already takes no second answer.
  }
}

Result<Origin> Api::origin_of(const Request& request, bool one_time) const {
  Origin origin;
  origin.actor = request.principal.id;
  origin.request = request.id;
  const auto key = request.header("idempotency-key");
  if (key.empty()) return origin;
  if (key.size() > kMaxKey)
    return Error{
      "field.invalid", "Idempotency-Key is longer than " + std::to_string(kMaxKey) + " characters", {}};
  origin.key = key;
  origin.fingerprint.append(request.method_name)
    .append(" ")
    .append(request.path)
    .append("\n")
    .append(request.body);
  origin.one_time = one_time;
  return origin;
}

std::optional<Answer> Api::answer_to(const Request& request, const Reply& reply, Render render,
                                     bool when_seen) {
  while (!in_flight_.empty() && in_flight_.front().second.answered()) in_flight_.pop_front();
  if (in_flight_.size() >= options_.max_in_flight) {
    reply(problem({"rate.limited",
                   std::to_string(options_.max_in_flight) + " commands are in flight (limit max-in-flight)",
                   {}},
                  request.id));
    return std::nullopt;
  }
  in_flight_.emplace_back(SteadyClock::now() + options_.command_timeout, reply);
  return Answer{[this, when_seen, reply, render = std::move(render),
                 id = std::string(request.id)](const Result<Receipt>& outcome) {
    if (!outcome) return reply(problem(outcome.error(), id));
    auto response = with_seq(render(*outcome), outcome->seq);
    if (outcome->replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
    if (when_seen) return answer_when_seen(outcome->seq, reply, std::move(response));
    reply(std::move(response));
  }};
}

void Api::show(const Request& request, const Reply& reply, Show show) {
  if (const auto when = request.query_value("as_of"))
    return show_past(request, reply, *when, std::move(show));
  if (const auto consistent = request.query_value("consistent")) {
    if (*consistent == "true") return show_consistent(request, reply, std::move(show));
    if (*consistent != "false")
      return reply(problem(
        {"field.invalid", "consistent must be true or false", {{"?consistent", "must be true or false"}}},
        request.id));
  }
  const auto after = number_from_query(request, "after", 0);
  if (!after) return reply(problem(after.error(), request.id));
  show_after(*after, reply, std::string(request.id), std::move(show));
}

void Api::show_after(uint64_t after, const Reply& reply, std::string id, Show show) {
  const auto views = system_.views();
  if (views->seq >= after) return reply(mark(show(*views), views->seq));
  if (waiting_.size() >= kMaxWaiting)
    return reply(problem({"rate.limited", "too many requests wait for a seq", {}}, id));
  waiting_.push_back({after, SteadyClock::now() + kWaitForSeq, reply, std::move(id), std::move(show)});
}

/// Everything that was acknowledged anywhere before this request came is in what it is answered.
void Api::show_consistent(const Request& request, const Reply& reply, Show show) {
  auto then = [this, reply, id = std::string(request.id),
               show = std::move(show)](const Result<uint64_t>& seq) {
    if (!seq) return reply(problem(seq.error(), id));
    server_->post([this, reply, id, show, at = *seq] { show_after(at, reply, id, show); });
  };
  if (options_.peering) return options_.peering->barrier(std::move(then));
  system_.barrier(Answer{[then = std::move(then)](const Result<Receipt>& outcome) {
    outcome ? then(outcome->seq) : then(outcome.error());
  }});
}

Response Api::mark(Response response, uint64_t seq) const {
  if (options_.peering && !system_.gauges().leading) {
    const auto heard = options_.peering->leader_heard_ms();
    if (heard < 0 || heard > kStaleAfterMs) response.headers.emplace_back("X-Muster-Stale", "true");
  }
  return with_seq(std::move(response), seq);
}

void Api::answer_when_seen(uint64_t seq, const Reply& reply, Response response) {
  if (!server_ || system_.views()->seq >= seq) return reply(std::move(response));
  auto held = std::make_shared<Response>(std::move(response));
  server_->post([this, seq, reply, held] {
    if (system_.views()->seq >= seq) return reply(std::move(*held));
    std::erase_if(held->headers, [](const auto& header) { return header.first == "X-Muster-Seq"; });
    waiting_.push_back({seq, SteadyClock::now() + kWaitForSeq, reply, "",
                        [held](const ViewSet&) { return std::move(*held); }});
  });
}

void Api::wake_waiting() {
  const auto views = system_.views();
  const auto now = SteadyClock::now();
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (views->seq >= w.after)
      w.reply(mark(w.show(*views), views->seq));
    else if (w.until < now)
      w.reply(problem({"command.timeout", "seq " + std::to_string(w.after) + " has not come yet", {}}, w.id));
    else
      return false;
    return true;
  });
}

void Api::at_past(const Request& request, const Reply& reply, const std::string& when,
                  std::function<void(uint64_t)> then) {
  uint64_t seq = 0;
  const auto [end, ec] = std::from_chars(when.data(), when.data() + when.size(), seq);
  const bool by_seq = ec == std::errc{} && end == when.data() + when.size();
  const auto time = by_seq ? std::nullopt : parse_rfc3339(when);
  const std::string id{request.id};
  if (!by_seq && !time)
    return reply(problem(
      {"field.invalid", "as_of must be a seq or a time (RFC 3339)", {{"?as_of", "must be a seq or a time"}}},
      id));
  system_.read_slowly([this, reply, id, seq, time, then = std::move(then)] {
    const auto at = time ? system_.chain().last_at(*time) : seq;
    const auto views = system_.views();
    const auto head = views->seq;
    // What was dropped ends with a checkpoint: that seq can still be shown.
    if (const auto dropped = view<cluster::View>(*views).log.compacted_to; at < dropped)
      return reply(
        problem({"log.compacted",
                 "the oldest seq is " + std::to_string(dropped + 1) + ": nothing before it can be shown",
                 {}},
                id));
    if (at <= head) return then(at);
    reply(problem({"field.invalid",
                   "as_of is ahead of the newest seq, " + std::to_string(head),
                   {{"?as_of", "is ahead of the newest seq"}}},
                  id));
  });
}

void Api::show_past(const Request& request, const Reply& reply, const std::string& when, Show show) {
  at_past(request, reply, when,
          [this, reply, id = std::string(request.id), show = std::move(show)](uint64_t at) {
            system_.views_at(at, [reply, id, at, show](const Result<std::shared_ptr<const ViewSet>>& views) {
              if (!views) return reply(problem(views.error(), id));
              reply(with_seq(show(**views), at));
            });
          });
}

void Api::on_lines(const std::vector<Record>& records, const std::vector<log::Line>& lines) {
  if (!server_) return;
  run_metrics_.record(records, *system_.views(), options_.auth.node);
  struct Pushed {
    uint64_t seq;
    std::string type, stream;
    log::Line line;
  };
  auto pushed = std::make_shared<std::vector<Pushed>>();
  pushed->reserve(lines.size());
  for (size_t i = 0; i < lines.size(); i++)
    pushed->push_back({records[i].seq, records[i].type, records[i].stream, lines[i]});
  server_->post([this, pushed] {
    for (const auto& p : *pushed) tails_.push(p.seq, p.type, p.stream, p.line);
    if (!waiting_.empty()) wake_waiting();
    server_->wake_streams();
  });
}

}  // namespace muster::http
