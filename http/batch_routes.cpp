// POST /v1/batch: many commands in one request, each authorized, decided and answered by itself.
#include <atomic>

#include "http/percent.hpp"
#include "http/routes.hpp"

namespace muster::http {
namespace {

constexpr size_t kMaxCommands = 1024;
constexpr std::string_view kPath = "/v1/batch";

struct BatchCommand {
  std::string method, path, idempotency_key;
  RawJson body;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("method", self.method);
    visit("path", self.path);
    visit("idempotency_key", self.idempotency_key);
    visit("body", self.body);
  }
};

struct BatchBody {
  std::vector<BatchCommand> commands;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("commands", self.commands);
  }
};

/// What came of one command. Written once, by whichever thread answers it.
struct Outcome {
  int status = 0;
  std::string body;  ///< JSON; empty: none.
  uint64_t seq = 0;
};

Outcome outcome_of(Response response) {
  Outcome outcome{response.status, std::move(response.body), 0};
  if (response.shared) outcome.body = *response.shared;
  if (!outcome.body.empty() && response.content_type.find("json") == std::string_view::npos) {
    std::string text;
    append_json_string(text, outcome.body);
    outcome.body = std::move(text);
  }
  for (const auto& [name, value] : response.headers)
    if (name == "X-Muster-Seq") outcome.seq = std::stoull(value);
  return outcome;
}

/// The outcomes of one batch. The last one to come sends the reply.
class Gathered {
public:
  Gathered(size_t commands, Reply reply) : outcomes_(commands), open_(commands), reply_(std::move(reply)) {}

  void settle(size_t index, Response response) {
    outcomes_[index] = outcome_of(std::move(response));
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) send();
  }

private:
  void send() {
    std::string body = R"({"results":[)";
    size_t bytes = body.size();
    for (const auto& outcome : outcomes_) bytes += outcome.body.size() + 32;
    body.reserve(bytes);
    uint64_t seq = 0;
    for (const auto& outcome : outcomes_) {
      if (body.back() != '[') body += ',';
      body.append("{\"status\":").append(std::to_string(outcome.status));
      if (!outcome.body.empty()) body.append(",\"body\":").append(outcome.body);
      body += '}';
      seq = std::max(seq, outcome.seq);
    }
    auto response = json_response(body + "]}");
    if (seq != 0) response.headers.emplace_back("X-Muster-Seq", std::to_string(seq));
    reply_(std::move(response));
  }

  std::vector<Outcome> outcomes_;
  std::atomic<size_t> open_;
  Reply reply_;
};

Method method_of(std::string_view name) {
  for (const auto method : {Method::post, Method::put, Method::del})
    if (to_string(method) == name) return method;
  return Method::other;
}

/// Errors: `field.invalid` for what is not a command.
Result<Method> check(const BatchCommand& command, const std::string& path, bool decoded) {
  const auto refuse = [](const char* pointer, const std::string& what) {
    return Error{"field.invalid", pointer + (" " + what), {{pointer, what}}};
  };
  const auto method = method_of(command.method);
  if (method == Method::other) return refuse("/method", "must be POST, PUT or DELETE");
  if (!decoded || !path.starts_with('/')) return refuse("/path", "must be a path, percent-encoded");
  if (path == kPath) return refuse("/path", "must not be a batch");
  return method;
}

/// Runs one command as a request of its own. `request` is used again and again: who calls stays the same.
void run(Api& api, const BatchCommand& command, const std::string& id, Request& request, const Reply& reply) {
  const std::string_view target{command.path};
  const auto mark = std::min(target.find('?'), target.size());
  std::string path;
  const bool decoded = percent_decode(target.substr(0, mark), false, path);
  const auto method = check(command, path, decoded);
  if (!method) return reply(problem(method.error(), id));
  request.method = *method;
  request.method_name = command.method;
  request.path = path;
  request.query = target.substr(std::min(mark + 1, target.size()));
  request.body = command.body.text;
  request.id = id;
  request.headers.clear();
  if (!command.idempotency_key.empty())
    request.headers.emplace_back("idempotency-key", command.idempotency_key);
  std::string_view route;
  api.dispatch(request, reply, route);
}

void batch_route(Api& api, const Request& batch, const Reply& reply) {
  auto body = read_body<BatchBody>(batch, reply);
  if (!body) return;
  const auto& commands = body->commands;
  if (commands.empty() || commands.size() > kMaxCommands) {
    const auto what = "must have from 1 to " + std::to_string(kMaxCommands) + " entries (limit max-batch)";
    return reply(problem({"field.invalid", "/commands " + what, {{"/commands", what}}}, batch.id));
  }
  Request request;
  request.remote = batch.remote;
  request.loopback = batch.loopback;
  request.tls = batch.tls;
  request.principal = batch.principal;
  auto gathered = std::make_shared<Gathered>(commands.size(), reply);
  for (size_t i = 0; i < commands.size(); i++) {
    const auto id = std::string(batch.id) + '.' + std::to_string(i);
    run(api, commands[i], id, request,
        Reply{[gathered, i](Response response) { gathered->settle(i, std::move(response)); }, id});
  }
}

}  // namespace

void add_batch_routes(Api& api) {
  api.router().add({Method::post, std::string(kPath),
                    [&api](const Request& q, const Reply& r) { batch_route(api, q, r); }, "open", true});
}

}  // namespace muster::http
