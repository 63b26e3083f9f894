// Precedence, origins, messages and limits of the configuration.
#include "app/config/config.hpp"

#include <fstream>
#include <map>

#include <catch2/catch.hpp>

#include "app/config/yaml_file.hpp"

using namespace muster;
using namespace muster::config;

namespace {

Environment environment(std::map<std::string, std::string, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

Config valid(const Result<Config>& config) {
  INFO((config ? "" : config.error().detail));
  REQUIRE(config);
  return *config;
}

}  // namespace

TEST_CASE("every default of the table can be read and lies within its limits") {
  const auto config = valid(combine("", {}, environment({}), {}));
  for (const auto& setting : settings()) {
    CHECK(config.origin(setting.name).source == Source::fallback);
    CHECK(find_setting(setting.name) == &setting);
  }
  CHECK(config.text("bind") == ":8070");
  CHECK(config.duration("stale-ttl") == Millis{30'000});
  CHECK(config.number("max-body") == 1 << 20);
}

TEST_CASE("no two settings share a flag or an environment name") {
  std::map<std::string, int> seen;
  for (const auto& setting : settings()) {
    seen[std::string{setting.name}]++;
    for (const auto alias : setting.aliases) seen[std::string{alias}]++;
    seen[setting.variable()]++;
    for (const auto variable : setting.variables) seen[std::string{variable}]++;
  }
  for (const auto& [name, times] : seen) {
    INFO(name);
    CHECK(times == 1);
  }
}

TEST_CASE("flags beat the environment, which beats the file, which beats the defaults", "[S1-02]") {
  const std::vector<Given> file = {
    {"bind", ":1", "muster.yaml:1"}, {"stale-ttl", "1m", "muster.yaml:2"}, {"log", "json", "muster.yaml:3"}};
  const auto env = environment({{"MUSTER_BIND", ":2"}, {"MUSTER_STALE_TTL", "2m"}});
  const auto config = valid(combine("muster.yaml", file, env, {{"addr", ":3", "-addr"}}));
  CHECK(config.text("bind") == ":3");
  CHECK(to_text(config.origin("bind")) == "-addr");
  CHECK(config.duration("stale-ttl") == Millis{120'000});
  CHECK(to_text(config.origin("stale-ttl")) == "MUSTER_STALE_TTL");
  CHECK(config.text("log") == "json");
  CHECK(to_text(config.origin("log")) == "muster.yaml:3");
  CHECK(to_text(config.origin("data")) == "default");
}

TEST_CASE("the seeds' environment names are honoured, and MUSTER_* goes before them",
          "[S1-05][S1-06][S1-07][S1-08][S1-09][S1-12][S1-13][S1-26]") {
  const std::map<std::string, std::string> names = {
    {"POLICY_ALLOW_ANONYMOUS_PROXY", "policy-allow-anonymous-proxy"},
    {"POLICY_REQUIRE_AUTH_FOR_PLAN", "policy-require-auth-for-plan"},
    {"POLICY_REQUIRE_AUTH_FOR_BOOTSTRAP", "policy-require-auth-for-bootstrap"},
    {"JWKS_URL", "jwks-url"},
    {"JWT_AUD", "jwt-aud"},
    {"JWT_ISS", "jwt-iss"},
    {"SUPERVISOR_API_KEY", "api-key"},
    {"BUS_KIND", "bus-kind"},
    {"BROKER_URL", "broker-url"},
    {"EVENT_BROKER_URL", "broker-url"},
    {"AMQP_URL", "broker-url"},
    {"BROKER_MANAGEMENT_URL", "broker-management-url"},
    {"KAFKA_BROKERS", "kafka-brokers"},
    {"KAFKA_SECURITY_PROTOCOL", "kafka-security-protocol"},
    {"KAFKA_USER", "kafka-user"},
    {"KAFKA_PASSWORD", "kafka-password"},
    {"KAFKA_CA", "kafka-ca"},
    {"EVENT_PREFIX", "event-prefix"},
    {"PLANS_DIR", "plans-dir"},
    {"BOOTSTRAP_PROFILE", "profile"},
    {"DATA_DIR", "data"},
    {"FLOWD_DATA_DIR", "data"},
    {"LEADER_TTL", "leader-ttl"},
    {"LOG_LEVEL", "log-level"},
    {"LOG_FORMAT", "log"},
    {"SUPERVISOR_URL", "server"},
    {"FLOWD_REMOTE", "server"},
    {"FLWD_SCRIPTS_ROOT", "scripts-root"},
  };
  const std::map<std::string, std::string> samples = {
    {"leader-ttl", "60"}, {"log-level", "warn"}, {"log", "json"}};
  for (const auto& [variable, name] : names) {
    INFO(variable);
    const bool truth = find_setting(name)->type == Type::boolean;
    const auto text = samples.contains(name) ? samples.at(name) : std::string{truth ? "True" : "x"};
    const auto config = valid(combine("", {}, environment({{variable, text}}), {}));
    CHECK(to_text(config.origin(name)) == variable);
  }
  const auto both = environment({{"MUSTER_JWKS_URL", "http://a"}, {"JWKS_URL", "http://b"}});
  CHECK(valid(combine("", {}, both, {})).text("jwks-url") == "http://a");
}

TEST_CASE("flowd's data folder is below DATA_DIR; what a script is told is the folder itself", "[S3-82]") {
  const auto below = valid(combine("", {}, environment({{"DATA_DIR", "/var/lib"}}), {}));
  CHECK(below.text("data") == "/var/lib/flowd");
  const auto script = environment({{"DATA_DIR", "/data"}, {"FLOWD_DATA_DIR", "/data"}});
  CHECK(valid(combine("", {}, script, {})).text("data") == "/data");
  const auto ours = environment({{"FLOWD_DATA_DIR", "/data"}, {"MUSTER_DATA", "/ours"}});
  CHECK(valid(combine("", {}, ours, {})).text("data") == "/ours");
}

TEST_CASE("an empty environment variable is as good as unset") {
  const auto config = valid(combine("", {}, environment({{"SUPERVISOR_API_KEY", ""}}), {}));
  CHECK_FALSE(config.given("api-key"));
}

TEST_CASE("a seed's policy variable that is no truth value is false, with a warning", "[S1-05]") {
  const auto config = valid(combine("", {}, environment({{"POLICY_ALLOW_ANONYMOUS_PROXY", "yes"}}), {}));
  CHECK_FALSE(config.flag("policy-allow-anonymous-proxy"));
  REQUIRE(config.warnings().size() == 1);
  CHECK(config.warnings().front().find("POLICY_ALLOW_ANONYMOUS_PROXY") == 0);
  CHECK_FALSE(combine("", {}, environment({{"MUSTER_POLICY_ALLOW_ANONYMOUS_PROXY", "yes"}}), {}));
}

TEST_CASE("an unknown key is an error that names the nearest known one, with its line") {
  const auto read = read_yaml("bind: ':1'\njwks_ulr: http://x\n", "muster.yaml");
  REQUIRE(read);
  const auto config = combine("muster.yaml", *read, environment({}), {});
  REQUIRE_FALSE(config);
  CHECK(config.error().code == "config.invalid");
  CHECK(config.error().detail == "muster.yaml:2: there is no setting 'jwks_ulr'; did you mean 'jwks-url'?");
}

TEST_CASE("a number out of range names the limit, and every bad value is told at once") {
  const std::vector<Given> flags = {{"max-page", "0", "--max-page"},
                                    {"stale-ttl", "2", "--stale-ttl"},
                                    {"max-body", "1GiB", "--max-body"},
                                    {"log-level", "loud", "--log-level"}};
  const auto config = combine("", {}, environment({}), flags);
  REQUIRE_FALSE(config);
  const auto& fields = config.error().fields;
  REQUIRE(fields.size() == 3);
  CHECK(fields[0].message == "--max-page: 0 is below the least, 1");
  CHECK(fields[1].message == "--max-body: 1GiB is above the most, 256MiB");
  CHECK(fields[2].message == "--log-level: 'loud' is not one of trace, debug, info, warn, error");
}

TEST_CASE("secrets are never shown") {
  const auto config = valid(combine("", {}, environment({{"SUPERVISOR_API_KEY", "s3cret"}}), {}));
  CHECK(config.text("api-key") == "s3cret");
  CHECK(config.shown(*find_setting("api-key")) == "[secret]");
  CHECK(config.shown(*find_setting("broker-url")).empty());
}

TEST_CASE("truth values are Go's, sizes have units, durations too") {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) CHECK(*parse_bool(yes));
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) CHECK_FALSE(*parse_bool(no));
  for (const char* neither : {"", "yes", "tRUE", "2"}) CHECK_FALSE(parse_bool(neither));
  CHECK(*parse_bytes("1MiB") == 1 << 20);
  CHECK(*parse_bytes("16 kib") == 16 << 10);
  CHECK(*parse_bytes("2MB") == 2'000'000);
  CHECK(*parse_bytes("77") == 77);
  for (const char* bad : {"", "-1", "1XB", "9999999999TiB", "1.5MiB"}) CHECK_FALSE(parse_bytes(bad));
  for (const char* text : {"250ms", "30s", "5m", "24h", "7d", "0s"})
    CHECK(to_text(Type::duration, *parse_value(Type::duration, text)) == text);
  CHECK(to_text(Type::bytes, Value{int64_t{3} << 20}) == "3MiB");
}

TEST_CASE("muster.yaml is a flat map, and says where it is broken") {
  CHECK(read_yaml("", "f")->empty());
  const auto message = [](const std::string& text) {
    const auto read = read_yaml(text, "f");
    return read ? std::string{} : read.error().detail;
  };
  CHECK(message("- a\n") == "f: expected lines of the form name: value");
  CHECK(message("a: 1\na: 2\n") == "f:2: 'a' stands here twice");
  CHECK(message("a: {b: 1}\n") == "f:1: 'a' has to be one value");
  CHECK(message("a: [1\n").starts_with("f:"));
}

TEST_CASE("a configuration file that was asked for has to exist") {
  const auto config = load("/nonexistent/muster.yaml", environment({}), {});
  REQUIRE_FALSE(config);
  CHECK(config.error().detail == "/nonexistent/muster.yaml cannot be read");
  CHECK_FALSE(load("", environment({{"MUSTER_CONFIG", "/nonexistent/m.yaml"}}), {}));
}
