// Shows how plan templates are read, checked and put in order.
#include "domain/plan.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "base/hash.hpp"
#include "domain/plan_document.hpp"

using namespace muster;
using namespace muster::plan;

namespace {

std::string shipped(const std::string& file) {
  std::ifstream in(std::string(SOURCE_DIR) + "/plans/" + file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Error refused(const std::string& yaml) {
  const auto parsed = parse_template(yaml, "t.yaml");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "plan.template.invalid");
  return parsed.error();
}

bool says(const Error& error, const std::string& pointer, const std::string& message) {
  return std::any_of(error.fields.begin(), error.fields.end(), [&](const FieldError& field) {
    return field.pointer == pointer && field.message.find(message) != std::string::npos;
  });
}

App app(const std::string& name, std::vector<std::string> after = {}) {
  App made;
  made.name = name;
  made.kind = "docker";
  made.after = std::move(after);
  return made;
}

std::vector<std::string> names_of(const std::vector<App>& apps) {
  std::vector<std::string> names;
  for (const auto& each : apps) names.push_back(each.name);
  return names;
}

const std::string kContract = R"(apps:
  - {name: store, kind: docker, cwd: ./deploy/store, command: ["up","-d"]}
  - name: api
    kind: go
    cwd: ./svc/api
    command: ["./api"]
    env: {PORT: "8080"}
    ports: [8080]
    after: [store]
    restart: always
    health: {http: "http://127.0.0.1:8080/health", interval_sec: 5, timeout_sec: 30}
    build: {kind: nextjs, strategy: standalone, command: [npm, run, build], out_dir: out, env: {CI: 1}}
)";

}  // namespace

TEST_CASE("a template is read with every field of an app", "[S1-26][S1-29][S1-30][S1-31][S1-33]") {
  const auto parsed = parse_template(kContract, "server.yaml");
  REQUIRE(parsed);
  REQUIRE(parsed->apps.size() == 2);
  const App& api = parsed->apps[1];
  CHECK(api.env.at("PORT") == "8080");
  CHECK(api.ports == std::vector<int>{8080});
  CHECK(api.after == std::vector<std::string>{"store"});
  CHECK(api.restart == "always");
  CHECK(api.health == Health{"http://127.0.0.1:8080/health", 5, 30});
  CHECK(api.build == Build{"nextjs", "standalone", {"npm", "run", "build"}, "out", {{"CI", "1"}}});
  CHECK(to_json(parsed->apps[0]).dump() ==
        R"({"name":"store","kind":"docker","cwd":"./deploy/store","command":["up","-d"]})");
  CHECK(parsed->generation == sha256_hex(canonical_json(to_json(parsed->apps))));
  CHECK(*apps_from_json(to_json(parsed->apps)) == parsed->apps);
}

TEST_CASE("the shipped templates are valid, and their apps start in order", "[S1-26][S1-34]") {
  const auto server = parse_template(shipped("server.yaml"), "server.yaml");
  REQUIRE(server);
  CHECK(names_of(*start_order(server->apps)) == std::vector<std::string>{"rabbitmq", "api-gateway"});
  CHECK(server->apps[0].command == std::vector<std::string>{"up", "-d"});
  const auto proxy = parse_template(shipped("camera-proxy.yaml"), "camera-proxy.yaml");
  REQUIRE(proxy);
  CHECK(proxy->apps.back().name == "camera-proxy");
}

TEST_CASE("all faults of a template are told at once, each with pointer and line", "[S1-26]") {
  const auto error = refused(R"(apps:
  - {name: a, kind: docker, after: [gone]}
  - name: a
    kind: docker
    ports: [80, 0, 70000, "x"]
    comand: [up]
  - kind: docker
    restart: sometimes
    health: {http: "ftp://x", interval_secs: 3}
)");
  CHECK(says(error, "/apps/0/after/0", "line 2: no app is named \"gone\""));
  CHECK(says(error, "/apps/1/name", "line 3: \"a\" is also the name of /apps/0"));
  CHECK(says(error, "/apps/1/ports/1", "line 5: must be a port"));
  CHECK(says(error, "/apps/1/ports/2", "1 to 65535"));
  CHECK(says(error, "/apps/1/ports/3", "1 to 65535"));
  CHECK(says(error, "/apps/1/comand", "line 6: unknown key \"comand\"; did you mean 'command'?"));
  CHECK(says(error, "/apps/2/name", "line 7: is required"));
  CHECK(says(error, "/apps/2/restart", "line 8: must be always"));
  CHECK(says(error, "/apps/2/health/http", "line 9: must begin with http"));
  CHECK(says(error, "/apps/2/health/interval_secs", "did you mean 'interval_sec'?"));
  CHECK(error.detail.find("t.yaml: ") == 0);
  CHECK(error.detail.find("more)") != std::string::npos);
}

TEST_CASE("wrong types are refused where they stand", "[S1-26]") {
  CHECK(says(refused("apps: 3"), "/apps", "must be an array"));
  CHECK(says(refused("{}"), "/apps", "is required"));
  CHECK(says(refused("[]"), "", "must be an object"));
  CHECK(says(refused("apps: [3]"), "/apps/0", "must be an object"));
  CHECK(says(refused("apps: [{name: [x], kind: docker}]"), "/apps/0/name", "must be a string"));
  CHECK(says(refused("apps: [{name: x, kind: go, env: [A]}]"), "/apps/0/env", "must be an object"));
  CHECK(says(refused("apps: [{name: x, kind: go, env: {A: [1]}}]"), "/apps/0/env/A", "must be a string"));
  CHECK(says(refused("app: []"), "/app", "did you mean 'apps'?"));
  CHECK(says(refused("apps: [{name: a/b, kind: go}]"), "/apps/0/name", "'/'"));
}

TEST_CASE("a cycle names its members and nobody else", "[S1-34]") {
  const auto error = refused(R"(apps:
  - {name: base, kind: go}
  - {name: x, kind: go, after: [base, z]}
  - {name: y, kind: go, after: [x]}
  - {name: z, kind: go, after: [y]}
  - {name: follower, kind: go, after: [z]}
)");
  REQUIRE(error.fields.size() == 1);
  const auto& message = error.fields[0].message;
  CHECK(message.find("dependency cycle detected") != std::string::npos);
  for (const auto* member : {"x", "y", "z"}) CHECK(message.find(member) != std::string::npos);
  CHECK(message.find("base") == std::string::npos);
  CHECK(message.substr(message.find("detected")).find("follower") == std::string::npos);
  CHECK(says(refused("apps: [{name: a, kind: go, after: [a]}]"), "/apps/0/after", "a after a"));
}

TEST_CASE("a template that is too large, too deep or a bomb of aliases is refused", "[S1-26]") {
  CHECK(refused("#" + std::string(kMaxTemplate, 'x')).detail.find("256 KiB") != std::string::npos);
  std::string many = "apps:\n";
  for (int i = 0; i < 257; i++) many += "  - {name: a" + std::to_string(i) + ", kind: go}\n";
  CHECK(says(refused(many), "/apps", "more than 256 entries"));
  CHECK(refused("apps: " + std::string(40, '[') + std::string(40, ']')).detail.find("32 levels") !=
        std::string::npos);
  refused("apps: " + std::string(200'000, '['));
  refused("apps: " + std::string(200'000, '{'));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; i++) {
    const auto inner = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + inner;
    for (int k = 0; k < 9; k++) bomb += ", " + inner;
    bomb += "]\n";
  }
  CHECK(refused(bomb).detail.find("10000 nodes") != std::string::npos);
  CHECK(refused("apps: &a [*a]").detail.find("alias") != std::string::npos);
}

TEST_CASE("a template that is not YAML, not UTF-8, twice keyed or more than one document is refused",
          "[S1-26]") {
  CHECK(refused("apps: [").detail.find("not YAML") != std::string::npos);
  CHECK(refused("").detail.find("empty") != std::string::npos);
  CHECK(refused("apps: \xff").detail.find("UTF-8") != std::string::npos);
  CHECK(refused("apps: []\napps: []").detail.find("line 2") != std::string::npos);
  CHECK(refused("apps: []\n---\napps: []").detail.find("more than one document") != std::string::npos);
  CHECK(refused("apps: []\n? [a]\n: 1").detail.find("key") != std::string::npos);
}

TEST_CASE("an anchored part may be used again", "[S1-26]") {
  const auto parsed = parse_template(
    "apps: [{name: a, kind: go, env: &e {X: 1, Y: 01.10}}, {name: b, kind: go, env: *e}]", "t");
  REQUIRE(parsed);
  CHECK(parsed->apps[1].env == std::map<std::string, std::string>{{"X", "1"}, {"Y", "01.10"}});
}

TEST_CASE("apps start after what they name, in listed order where they may", "[S1-34]") {
  const std::vector<App> apps{app("d", {"b", "c"}), app("b", {"a"}), app("a"), app("c")};
  CHECK(names_of(*start_order(apps)) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(start_order({app("a", {"b"}), app("b", {"a"})}).error().detail.find("cycle detected: a, b") !=
        std::string::npos);
  CHECK(start_order({app("a", {"x"})}).error().detail.find("dependency cycle detected") != std::string::npos);
}

TEST_CASE("whatever the plan, an app comes after all it names", "[S1-34]") {
  CHECK(rc::check([](const std::vector<std::vector<uint8_t>>& links) {
    std::vector<App> apps;
    for (size_t i = 0; i < std::min<size_t>(links.size(), 40); i++) {
      apps.push_back(app("n" + std::to_string(i)));
      for (const auto to : links[i])
        if (i > 0) apps[i].after.push_back("n" + std::to_string(to % i));
    }
    std::reverse(apps.begin(), apps.end());
    const auto ordered = start_order(apps);
    RC_ASSERT(ordered);
    RC_ASSERT(ordered->size() == apps.size());
    std::vector<std::string> seen;
    for (const auto& each : *ordered) {
      for (const auto& name : each.after) RC_ASSERT(std::find(seen.begin(), seen.end(), name) != seen.end());
      seen.push_back(each.name);
    }
  }));
}

TEST_CASE("bytes that mean nothing are refused without harm") {
  CHECK(rc::check([](const std::string& noise) {
    (void)parse_template(noise, "noise");
    (void)parse_template("apps: [{name: " + noise + "}]", "noise");
  }));
}

TEST_CASE("the server template is for the role hint server alone", "[S1-27]") {
  CHECK(select_template("server", 0) == "server.yaml");
  CHECK(select_template("server", 3) == "server.yaml");
  CHECK_FALSE(select_template("Server", 3));
}

TEST_CASE("the camera proxy template is for nodes without a hint that have a video device", "[S1-28]") {
  CHECK(select_template("", 1) == "camera-proxy.yaml");
  CHECK_FALSE(select_template("", 0));
  CHECK_FALSE(select_template("edge", 4));
}

TEST_CASE("video devices are a number or a list of paths", "[S1-28]") {
  CHECK(video_devices(Json{{"video_devices", 2}}) == 2);
  CHECK(video_devices(Json::parse(R"({"video_devices":["/dev/video0","/dev/video1"]})")) == 2);
  CHECK(video_devices(Json::object()) == 0);
  CHECK(video_devices(Json()) == 0);
  CHECK_FALSE(video_devices(Json{{"video_devices", "two"}}));
  CHECK_FALSE(video_devices(Json{{"video_devices", -1}}));
}

TEST_CASE("a diff names what came, went and changed") {
  auto changed = app("b");
  changed.ports = {80};
  CHECK(diff({app("a"), app("b"), app("c")}, {app("c"), changed, app("d")}) == Diff{{"d"}, {"a"}, {"b"}});
  CHECK(diff({app("a")}, {app("a")}).empty());
}

TEST_CASE("the plan document carries both published shapes", "[S1-15][S1-32][S1-33]") {
  DocumentInput input;
  input.node = "n1";
  input.apps = {app("api-gateway", {"rabbitmq"}), app("rabbitmq")};
  input.template_file = "server.yaml";
  input.control_plane_url = "http://10.0.0.7:8070";
  input.epoch = 8;
  const auto json = plan_document(input);
  REQUIRE(json);
  auto rest = *json;
  CHECK(rest["generation"].get<std::string>().size() == 64);
  rest.erase("generation");
  CHECK(rest.dump() ==
        R"({"version":1,"node":"n1","apps":[{"name":"api-gateway","kind":"docker","after":["rabbitmq"]},)"
        R"({"name":"rabbitmq","kind":"docker"}],"role":"worker","services":["rabbitmq","api-gateway"],)"
        R"("control_plane_url":"http://10.0.0.7:8070","gateway_url":"","epoch":8,"ttl_seconds":45})");
  input.apps.clear();
  input.cluster = "c";
  CHECK((*plan_document(input))["apps"] == Json::array());
  CHECK((*plan_document(input))["cluster"] == "c");
}

TEST_CASE("the role is leader, then proxy, then worker", "[S2-08]") {
  DocumentInput input;
  CHECK(role_of(input) == "worker");
  input.role_hint = "proxy";
  CHECK(role_of(input) == "proxy");
  input.role_hint = "";
  input.template_file = "camera-proxy.yaml";
  CHECK(role_of(input) == "proxy");
  input.holds_lease = true;
  CHECK(role_of(input) == "leader");
}

TEST_CASE("a plan's generation changes with what is to run, not with who leads") {
  DocumentInput input;
  input.node = "n1";
  input.apps = {app("a")};
  const auto before = (*plan_document(input))["generation"];
  input.epoch++;
  input.holds_lease = true;
  CHECK((*plan_document(input))["generation"] == before);
  input.executor = "ns";
  CHECK((*plan_document(input))["generation"] != before);
  CHECK((*plan_document(input))["executor"] == "ns");
}
