// Calls to a node, with credentials.
#include "app/cli/client.hpp"

#include <charconv>
#include <chrono>
#include <thread>

#include "adapters/http_client.hpp"
#include "app/cli/problem.hpp"
#include "app/serving.hpp"
#include "base/hash.hpp"
#include "base/percent.hpp"

namespace muster::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::optional<uint32_t> number_in(const HttpReply& reply, std::string_view header) {
  const auto text = reply.header(header);
  uint32_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (text.empty() || failed != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// Of a reply that says to come again, when.
std::optional<std::chrono::seconds> asked_to_wait(const HttpReply& reply) {
  return reply.status == 503 ? reply.retry_after() : std::nullopt;
}

}  // namespace

std::string with_query(std::string_view path, const Query& query) {
  std::string text{path};
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    text += separator + std::string{name} + "=" + percent_encoded(value);
    separator = '&';
  }
  return text;
}

std::string path_segment(std::string_view text) {
  return percent_encoded(text);
}

std::string new_key() {
  constexpr size_t kBytes = 16;
  return random_hex(kBytes);
}

struct Client::State {
  std::string server;
  std::string token;
  std::string key;
  std::string ca_file;
  Millis timeout{0};
  bool once = false;
  HttpClient http;

  [[nodiscard]] HttpRequest request(std::string_view method, const std::string& path, std::string body) const;
};

HttpRequest Client::State::request(std::string_view method, const std::string& path, std::string body) const {
  HttpRequest request;
  request.method = method;
  request.url = server + path;
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  if (!key.empty()) request.headers.emplace_back("X-API-Key", key);
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::move(body);
  request.connect_timeout = timeout;
  request.total_timeout = timeout;
  request.ca_file = ca_file;
  return request;
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

std::optional<std::string> node_to_ask(const config::Config& config) {
  if (config.given("server")) return config.text("server");
  const auto served = app::served_by(config.text("data"));
  return served ? std::optional{served->url} : std::nullopt;
}

Result<Client> Client::make(const config::Config& config, Millis patience) {
  return make_for(node_to_ask(config).value_or(config.text("server")), config, patience);
}

Result<Client> Client::make_for(const std::string& server, const config::Config& config, Millis patience) {
  auto state = std::make_unique<State>();
  state->server = server;
  if (state->server.find("://") == std::string::npos) state->server = "http://" + state->server;
  while (state->server.ends_with('/')) state->server.pop_back();
  state->token = config.text("token");
  auto key = config::api_key(config);
  if (!key) return key.error();
  state->key = *std::move(key);
  state->ca_file = config.text("ca-cert");
  const bool patient = patience.count() > 0 && !config.given("timeout");
  state->timeout = patient ? patience : config.duration("timeout");
  return Client{std::move(state)};
}

void Client::ask_once() {
  state_->once = true;
}

const std::string& Client::server() const {
  return state_->server;
}

Result<Answer> Client::call(std::string_view method, const std::string& path, const std::string& body,
                            const std::string& key) {
  auto request = state_->request(method, path, body);
  if (method != "GET") request.headers.emplace_back("Idempotency-Key", key.empty() ? new_key() : key);
  for (const auto until = SteadyClock::now() + state_->timeout;;) {
    auto reply = state_->http.fetch(request);
    if (!reply) return reply.error();
    if (const auto pause = asked_to_wait(*reply);
        pause && !state_->once && SteadyClock::now() + *pause < until) {
      std::this_thread::sleep_for(*pause);
      continue;
    }
    if (reply->status >= 300) return problem_of(reply->status, reply->body);
    std::string next{reply->header("x-next-cursor")};
    const auto faults = number_in(*reply, "x-flowd-discovery-errors").value_or(0);
    return Answer{reply->status, std::move(reply->body), std::move(next), faults};
  }
}

Result<Json> Client::get(const std::string& path) {
  const auto answer = call("GET", path);
  if (!answer) return answer.error();
  auto json = parse_json(answer->body);
  if (!json)
    return Error{"internal", state_->server + path + " did not answer with JSON: " + json.error().detail};
  return json;
}

Status Client::stream(const std::string& path, const Sink& sink, const Tick& tick) {
  auto request = state_->request("GET", path, {});
  request.total_timeout = Millis{0};
  const auto reply = state_->http.stream(request, sink, tick);
  if (!reply) return reply.error();
  if (reply->status >= 300 && !reply->stopped) return problem_of(reply->status, reply->body);
  return Done{};
}

}  // namespace muster::cli
