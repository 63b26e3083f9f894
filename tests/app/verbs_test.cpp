// Verbs over real HTTP: requests they send, what they print, how they end. The replies are a test's.
#include <map>
#include <mutex>
#include <sstream>

#include <catch2/catch.hpp>

#include "app/cli/follow.hpp"
#include "app/cli/run.hpp"
#include "http/server.hpp"
#include "tests/http/client.hpp"

using namespace muster;
using namespace muster::cli;
using http::Method;

namespace {

struct Said {
  int status = 0;
  std::string out, err;
};

/// A server whose replies the test sets, and that remembers what it was asked.
struct Node {
  Node() : server(app, {"127.0.0.1", 0, "", ""}, {}) {}
  ~Node() { server.stop(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void on(Method method, const std::string& path,
          std::function<http::Response(const http::Request&)> answer) {
    app.on(method, path, [this, answer](const http::Request& request, const http::Reply& reply) {
      {
        const std::lock_guard lock(mutex);
        asked.push_back(std::string{request.method_name} + " " + std::string{request.path} + "?" +
                        std::string{request.query} + " " + std::string{request.body});
        bearer = request.header("Authorization");
        key = request.header("X-API-Key");
      }
      reply(answer(request));
    });
  }
  void on(Method method, const std::string& path, std::string body, int status = 200) {
    on(method, path, [=](const http::Request&) { return http::json_response(body, status); });
  }

  Said say(std::vector<std::string> arguments, const std::string& input = "",
           std::map<std::string, std::string, std::less<>> variables = {}) {
    variables["MUSTER_REMOTE"] = "http://127.0.0.1:" + std::to_string(server.port());
    std::istringstream in{input};
    std::ostringstream out, err;
    const Io io{in,
                out,
                err,
                {},
                {},
                [&](std::string_view name) -> std::optional<std::string> {
                  const auto found = variables.find(name);
                  if (found == variables.end()) return std::nullopt;
                  return found->second;
                },
                [] { return *parse_rfc3339("2026-01-02T03:04:17Z"); }};
    const int status = run(arguments, io);
    return {status, out.str(), err.str()};
  }

  std::string last_asked() {
    const std::lock_guard lock(mutex);
    return asked.empty() ? "" : asked.back();
  }

  http::test::App app;
  std::mutex mutex;
  std::vector<std::string> asked;
  std::string bearer, key;
  http::Server server;
};

/// Gives `lines` one a pull and ends.
class Fixed : public http::Stream {
public:
  explicit Fixed(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  State pull(std::vector<http::Bytes>& into, size_t) override {
    if (at_ == lines_.size()) return State::ended;
    into.push_back(std::make_shared<const std::string>(lines_[at_++]));
    return State::more;
  }

private:
  std::vector<std::string> lines_;
  size_t at_ = 0;
};

http::Response stream_of(std::vector<std::string> lines) {
  http::Response response;
  response.content_type = "application/x-ndjson";
  response.stream = std::make_unique<Fixed>(std::move(lines));
  return response;
}

std::string event(uint64_t seq) {
  return R"({"seq":)" + std::to_string(seq) +
         R"(,"prev":"","time":"2026-01-02T03:04:05.678Z","epoch":1,"node":"n1","actor":"a","type":"node.changed","stream":"node/n1","data":{"x":1}})";
}

}  // namespace

TEST_CASE("nodes are listed across pages, as a table or as rows", "[S1-17]") {
  Node node;
  node.on(Method::get, "/v1/nodes", [](const http::Request& request) {
    const bool second = request.query_value("cursor") == "c1";
    auto response = http::json_response(
      second
        ? R"([{"id":"n2","status":"stale","last_heartbeat":"2026-01-02T03:00:00Z","services_running":["a","b"]}])"
        : R"([{"id":"n1","status":"healthy","role":"worker","host":"edge-a","ip":"10.0.0.7","last_heartbeat":"2026-01-02T03:04:05Z"}])");
    if (!second) response.headers.emplace_back("X-Next-Cursor", "c1");
    return response;
  });
  REQUIRE(node.server.start());
  const auto said = node.say({":nodes"});
  INFO(said.err);
  CHECK(said.status == 0);
  CHECK(said.out ==
        "ID  STATUS   ROLE    HOST    ADDRESS   SEEN     SERVICES\n"
        "n1  healthy  worker  edge-a  10.0.0.7  12s ago\n"
        "n2  stale                              4m ago   a, b\n");
  const auto json = parse_json(node.say({":nodes", "--json"}).out);
  REQUIRE(json);
  CHECK((*json)["rows"].size() == 2);
  CHECK((*json)["next"].is_null());
  CHECK(node.say({":nodes", "--limit", "1"}).out.ends_with("more: --cursor c1\n"));
  node.say({":nodes", "--as-of", "2026-01-02T00:00:00Z"});
  CHECK(node.last_asked().find("as_of=2026-01-02T00%3A00%3A00Z") != std::string::npos);
}

TEST_CASE("credentials are sent as bearer and as key", "[S1-09]") {
  Node node;
  node.on(Method::get, "/v1/leader", R"({"leader_url":"http://x","epoch":8})");
  REQUIRE(node.server.start());
  node.say({":leader", "--token", "t0"}, "", {{"SUPERVISOR_API_KEY", "k0"}});
  CHECK(node.bearer == "Bearer t0");
  CHECK(node.key == "k0");
  node.say({":leader"}, "", {{"MUSTER_TOKEN", "t1"}});
  CHECK(node.bearer == "Bearer t1");
  CHECK(node.key.empty());
}

TEST_CASE("a node's problem becomes a readable block and the exit status of its code") {
  Node node;
  node.on(Method::get, "/v1/leader", [](const http::Request& request) {
    return http::problem({"leader.none", "nobody holds the lease"}, request.id);
  });
  node.on(Method::get, "/v1/status", [](const http::Request& request) {
    return http::problem({"unauthorized", "the token has expired"}, request.id);
  });
  REQUIRE(node.server.start());
  const auto said = node.say({":leader"});
  CHECK(said.status == 5);
  CHECK(said.out.empty());
  CHECK(said.err.find("nobody holds the lease") != std::string::npos);
  CHECK(said.err.find("(leader.none)") != std::string::npos);
  const auto denied = node.say({":status", "--json"});
  CHECK(denied.status == 3);
  CHECK(parse_json(denied.err));
  CHECK(node.say({":plans"}).status == 4);
}

TEST_CASE("a refused leader claim says who leads and exits 4", "[S2-60]") {
  Node node;
  node.on(Method::post, "/v1/leader/claim", [](const http::Request& request) {
    const auto body = parse_json(request.body);
    const bool first = body && (*body)["node_id"] == "n1";
    return http::json_response(first ? R"({"granted":true,"leader_url":"http://a","epoch":2})"
                                     : R"({"granted":false,"leader_url":"http://a","epoch":2})");
  });
  REQUIRE(node.server.start());
  CHECK(node.say({":leader", "claim", "n1", "http://a"}).status == 0);
  const auto refused = node.say({":leader", "claim", "n2", "http://b"});
  CHECK(refused.status == 4);
  CHECK(refused.out.find("http://a") != std::string::npos);
  CHECK(node.say({":leader", "claim", "n2"}).status == 2);
}

TEST_CASE("a new token is printed once, alone on stdout", "[S2-54]") {
  Node node;
  node.on(Method::post, "/v1/tokens", R"({"id":"t1","token":"secret-token"})", 201);
  REQUIRE(node.server.start());
  const auto said = node.say({":token", "new", "ci", "--scope", "read,other:apply", "--expires", "1h"});
  CHECK(said.status == 0);
  CHECK(said.out == "secret-token\n");
  CHECK(
    node.last_asked() ==
    R"(POST /v1/tokens? {"name":"ci","scopes":["thatdam:read","other:apply"],"expires":"2026-01-02T04:04:17.000Z"})");
  CHECK(node.say({":token", "new", "ci"}).status == 2);
  CHECK(node.say({":token", "new", "ci", "--scope", "read", "--expires", "soon"}).status == 2);
}

TEST_CASE("a secret comes from stdin and is never printed") {
  Node node;
  node.on(Method::put, "/v1/secrets/{name}", "{}");
  REQUIRE(node.server.start());
  const auto said = node.say({":secret", "set", "db-key"}, "canary-5f0c\n");
  CHECK(said.status == 0);
  CHECK(said.out == "sealed db-key\n");
  CHECK(node.last_asked().find(R"({"value":"canary-5f0c"})") != std::string::npos);
  CHECK(node.say({":secret", "set", "x"}, "").status == 2);
}

TEST_CASE("claims are opened, watched until fulfilled, and fulfilled with the token of the environment",
          "[S1-21][S1-22][S1-24]") {
  Node node;
  node.on(Method::post, "/api/claims/new", R"({"id":"c1","token":"t1"})");
  node.on(Method::get, "/api/claims/{id}/watch", [](const http::Request&) {
    return stream_of({": heartbeat\n\n", "data: ful", "filled\n\n"});
  });
  node.on(Method::post, "/api/claims/fulfill", "", 204);
  REQUIRE(node.server.start());
  const auto opened = parse_json(node.say({":claims", "new", "--json"}).out);
  REQUIRE(opened);
  CHECK((*opened)["token"] == "t1");
  CHECK(node.say({":claims", "watch", "c1"}).out == "fulfilled\n");
  CHECK(node.say({":claims", "fulfill", "c1"}, "", {{"CLAIM_TOKEN", "t1"}}).status == 0);
  CHECK(node.last_asked() == R"(POST /api/claims/fulfill? {"id":"c1","token":"t1"})");
  CHECK(node.say({":claims", "watch"}).status == 2);
}

TEST_CASE("compacting only says what it would do until --yes") {
  Node node;
  node.on(Method::post, "/v1/log/compact", R"({"lines":41})");
  REQUIRE(node.server.start());
  CHECK(node.say({":log", "compact", "--before", "42"}).err.find("add --yes") != std::string::npos);
  CHECK(node.last_asked() == R"(POST /v1/log/compact? {"before":42,"dry_run":true})");
  CHECK(node.say({":log", "compact", "--before", "2026-01-01T00:00:00Z", "--yes"}).err.empty());
  CHECK(node.last_asked() == R"(POST /v1/log/compact? {"before":"2026-01-01T00:00:00Z","dry_run":false})");
}

TEST_CASE("events are the bytes of the log when nobody looks", "[S0-10]") {
  Node node;
  node.on(Method::get, "/v1/status", R"({"seq":250})");
  node.on(Method::get, "/v1/events",
          [](const http::Request&) { return stream_of({event(1) + "\n" + event(2) + "\n"}); });
  REQUIRE(node.server.start());
  CHECK(node.say({":events"}).out == event(1) + "\n" + event(2) + "\n");
  CHECK(node.last_asked() == "GET /v1/events?from=151&limit=100 ");
  node.say({":events", "--type", "node.changed", "--limit", "5"});
  CHECK(node.last_asked() == "GET /v1/events?type=node.changed&from=1&limit=5 ");
  CHECK(node.say({":events", "--from", "x"}).status == 2);
}

TEST_CASE("a tail resumes behind the last event when the connection breaks", "[S0-10]") {
  Node node;
  int connections = 0;
  node.on(Method::get, "/v1/status", R"({"seq":2})");
  node.on(Method::get, "/v1/events", [&](const http::Request& request) {
    connections++;
    if (connections == 1)
      return stream_of({event(1) + "\n" + event(2).substr(0, 20), event(2).substr(20) + "\n"});
    if (connections == 2) return stream_of({event(3) + "\n"});
    return http::problem({"log.compacted", "oldest is 9"}, request.id);
  });
  REQUIRE(node.server.start());
  const auto said = node.say({":tail"});
  CHECK(said.status == 4);
  CHECK(said.out == event(1) + "\n" + event(2) + "\n" + event(3) + "\n");
  CHECK(said.err.find("resuming at 3") != std::string::npos);
  CHECK(said.err.find("resuming at 4") != std::string::npos);
  CHECK(node.last_asked() == "GET /v1/events?from=4&follow=true ");
}

TEST_CASE("a watch draws again when something was committed") {
  Node node;
  int drawn = 0, connections = 0;
  node.on(Method::get, "/v1/status", [&](const http::Request&) {
    return http::json_response("{\"seq\":7,\"drawn\":" + std::to_string(drawn++) + "}");
  });
  node.on(Method::get, "/v1/events", [&](const http::Request& request) {
    if (++connections < 3) return stream_of({event(8) + "\n"});
    return http::problem({"forbidden", "no longer"}, request.id);
  });
  REQUIRE(node.server.start());
  const auto said = node.say({":status", "--watch", "--json"});
  CHECK(said.status == 3);
  CHECK(said.out.starts_with("{\"seq\":7,\"drawn\":1}\n{\"seq\":7,\"drawn\":2}\n"));
}

TEST_CASE("lines are put together from any pieces, and have a longest length") {
  const std::string text = "one\n\ntwo\r\nthree\n";
  for (size_t piece = 1; piece <= text.size(); piece++) {
    Lines lines;
    std::vector<std::string> got;
    for (size_t at = 0; at < text.size(); at += piece)
      CHECK(lines.take(std::string_view{text}.substr(at, piece), [&](std::string_view line) {
        got.emplace_back(line);
        return true;
      }));
    CHECK(got == std::vector<std::string>{"one", "two\r", "three"});
  }
  Lines endless;
  const std::string mebibyte(1 << 20, 'x');
  int taken = 0;
  while (endless.take(mebibyte, [](std::string_view) { return true; })) taken++;
  CHECK(taken == 16);
}

TEST_CASE("the doctor knows a port that somebody else holds, and one that a muster holds") {
  Node other;
  REQUIRE(other.server.start());
  const auto address = "127.0.0.1:" + std::to_string(other.server.port());
  CHECK(other.say({":doctor", "--bind", address}).out.find(address + " is held by another program") !=
        std::string::npos);
  Node muster;
  muster.on(Method::get, "/openapi.json", R"({"openapi":"3.1.0","info":{"title":"muster","version":"1"}})");
  REQUIRE(muster.server.start());
  const auto own = "127.0.0.1:" + std::to_string(muster.server.port());
  CHECK(muster.say({":doctor", "--bind", own}).out.find(own + " is held by a running muster") !=
        std::string::npos);
}

TEST_CASE("raising the feature level says what it will do, and does it with --yes") {
  Node node;
  node.on(Method::post, "/v1/cluster/upgrade", [](const http::Request& request) {
    const bool dry = request.body.find("true") != std::string_view::npos;
    return http::json_response(std::string(R"({"feature_level":3,"before":2,"dry_run":)") +
                               (dry ? "true}" : "false}"));
  });
  REQUIRE(node.server.start());
  const auto dry = node.say({":cluster", "upgrade"});
  CHECK(dry.status == 0);
  CHECK(node.last_asked() == R"(POST /v1/cluster/upgrade? {"level":0,"dry_run":true})");
  CHECK(dry.out.starts_with(
    "The feature level would rise from 2 to 3.\nFrom then on builds that know only level 2"));
  CHECK(dry.err == "Nothing was raised; add --yes to do it.\n");
  const auto done = node.say({":cluster", "upgrade", "--level", "3", "--yes"});
  CHECK(node.last_asked() == R"(POST /v1/cluster/upgrade? {"level":3,"dry_run":false})");
  CHECK(done.out.starts_with("The feature level rose from 2 to 3.\n"));
  CHECK(done.err.empty());
  CHECK(node.say({":cluster", "upgrade", "--level", "x"}).status == 2);
  CHECK(node.say({":cluster", "--yes"}).status == 2);
  CHECK(node.say({":cluster", "upgrade", "--as-of", "1"}).status == 2);
}
