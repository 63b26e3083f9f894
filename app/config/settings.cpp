// The table of settings.
#include <cerrno>
#include <utility>

#include "app/config/setting.hpp"

namespace muster::config {
namespace {

using Names = std::vector<std::string_view>;

constexpr int64_t kSecond = 1'000, kHour = 3'600 * kSecond, kDay = 24 * kHour;
constexpr int64_t kKiB = 1 << 10, kMiB = 1 << 20;

/// A setting in the making: text, unless the call that starts it says otherwise.
struct Row : Setting {
  Row alias(Names names) && { return aliases = std::move(names), std::move(*this); }
  Row env(Names names) && { return variables = std::move(names), std::move(*this); }
  Row one_of(Names words) && { return choices = std::move(words), std::move(*this); }
  Row hidden() && { return secret = true, std::move(*this); }
  Row for_runner() && { return runner = true, std::move(*this); }
  Row on() && { return fallback = "true", std::move(*this); }
  Row for_reader(Reader who) && { return reader = who, std::move(*this); }
};

Row text(std::string_view name, std::string_view fallback, std::string_view help) {
  return {{.name = name, .fallback = fallback, .help = help}};
}

Row yes_no(std::string_view name, std::string_view help) {
  return {{.name = name, .type = Type::boolean, .fallback = "false", .help = help}};
}

Row number(Type type, std::string_view name, std::string_view fallback, int64_t min, int64_t max,
           std::string_view help) {
  return {{.name = name, .type = type, .fallback = fallback, .help = help, .min = min, .max = max}};
}

Row count(std::string_view name, std::string_view fallback, int64_t min, int64_t max, std::string_view help) {
  return number(Type::integer, name, fallback, min, max, help);
}

Row bytes(std::string_view name, std::string_view fallback, int64_t min, int64_t max, std::string_view help) {
  return number(Type::bytes, name, fallback, min, max, help);
}

Row duration(std::string_view name, std::string_view fallback, int64_t min, int64_t max,
             std::string_view help) {
  return number(Type::duration, name, fallback, min, max, help);
}

std::vector<Setting> node_settings() {
  return {
    text("data", "./data", "Folder of the log, the checkpoints and the keys")
      .env({"FLOWD_DATA_DIR", "DATA_DIR/flowd"})
      .for_reader(Reader::both),
    text("bind", called_flwd() ? "127.0.0.1:8080" : ":8070",
         "Address to serve on; a bare port is loopback until there are credentials")
      .alias({"addr"}),
    yes_no("metrics", "Serve GET /metrics: to everybody on loopback, else with any valid token").on(),
    yes_no("dev",
           "Accept the token dev-token, for jobs none too, and allow CORS for localhost; loopback only"),
    text("tls-cert", "", "PEM file with the certificate chain; serves HTTPS"),
    text("tls-key", "", "PEM file with the key of --tls-cert"),
    text("node-id", "", "This node's id; made once and kept in the data folder when not given"),
    text("node-name", "", "Host that this node registers as, for people; the host name when not given")
      .for_runner(),
    text("control-plane-url", "", "URL that plans give to nodes; this node's own when not given"),
    text("gateway-url", "", "Gateway URL that plans give to nodes"),
    text("plans-dir", "./plans", "Folder of plan templates; the installed ones when it does not exist")
      .env({"PLANS_DIR"}),
    text("profile", "./profile.yaml",
         "Environment profile, YAML or JSON; a flag that names a security profile sets that one")
      .env({"BOOTSTRAP_PROFILE"}),
  };
}

/// What a node does of its own, beside the control plane that it serves or is told by.
std::vector<Setting> own_side_settings() {
  return {
    yes_no("node-side", "Act as a node, too: register here, and run what the plan says").on(),
    text("role-hint", "", "Role that this node asks its plan for").env({"ROLE_HINT"}).for_runner(),
    text("labels", "", "Labels of this node, as site=north,rack=4").env({"LABELS"}).for_runner(),
    text("executor", "docker",
         "What runs apps of kind docker: docker, nerdctl, process (none) or noop (no app)")
      .env({"RUNNER_EXECUTOR"})
      .for_runner(),
    text("discovery-data-dir", "",
         "Folder of cluster.json; discovery/ beside the node's state when not given")
      .env({"DISCOVERY_DATA_DIR"})
      .for_runner(),
    duration("poll-every", "10s", 100, kHour,
             "How often the plan is asked for when nobody tells of a new one")
      .for_runner(),
    duration("service-grace", "10s", 10, kHour, "A service that was asked to stop is killed after this long")
      .for_runner(),
    duration("service-backoff", "1s", 10, 60 * kSecond,
             "First pause before a service that ended starts again")
      .for_runner(),
    text("runner-node-id", "", "The runner's node id; the host name when not given")
      .env({"RUNNER_NODE_ID"})
      .for_reader(Reader::runner),
    text("runner-state-dir", "data/runner", "Folder of what the runner keeps")
      .env({"RUNNER_STATE_DIR"})
      .for_reader(Reader::runner),
    text("claim-token", "", "Claim to fulfil on the first boot, before the first plan")
      .env({"CLAIM_TOKEN"})
      .hidden()
      .for_reader(Reader::runner),
  };
}

std::vector<Setting> cluster_settings() {
  return {
    yes_no("alone", "Neither search for other members nor let any in, and leave the lease to claimants"),
    text("join", "", "Member to join: its URL, or host:port of its member port"),
    text("control-url", "", "Control plane to join when no neighbour is found"),
    text("cloud-control-url", "", "Control plane to join when that one lets nobody in")
      .env({"CLOUD_CONTROL_URL"}),
    text("join-token", "", "Token that lets this node in, from muster :cluster token").hidden(),
    text("cluster-key-file", "", "File with the cluster key, the same on every machine; made when not given"),
    text("peer-bind", "", "Address of the member port; the host of --bind, and its port + 10000"),
    text("peer-advertise", "", "host:port under which other members reach the member port"),
    text("discovery", "mdns", "How neighbours are found").one_of({"mdns", "off"}),
    text("mdns-service", "_muster._tcp", "Service type that nodes advertise"),
    duration("election-timeout", "500ms", 50, 60 * kSecond,
             "A leader that is silent for this long is replaced"),
    duration("member-grace", "60s", kSecond, kDay, "A voter that is silent for this long is replaced"),
    duration("certificate-life", "720h", 5 * kSecond, 365 * kDay,
             "A member's certificate is good for this long; it is renewed when a third is left"),
  };
}

std::vector<Setting> access_settings() {
  return {
    text("api-key", "", "Static key, sent as X-API-Key; has every scope")
      .env({"SUPERVISOR_API_KEY"})
      .hidden()
      .for_runner()
      .for_reader(Reader::both),
    text("api-key-file", "", "File with the static key").for_runner().for_reader(Reader::both),
    text("jwks-url", "", "JWKS that bearer JWTs are checked against").env({"JWKS_URL"}),
    duration("jwks-refresh", "60s", kSecond, kDay, "How often the JWKS is fetched again"),
    text("jwt-secret", "", "Secret that bearer JWTs may be signed with, by HS256")
      .env({"FLWD_JWT_SECRET"})
      .hidden(),
    text("jwt-aud", "", "Audience that a JWT must name").env({"JWT_AUD"}),
    text("jwt-iss", "", "Issuer that a JWT must name").env({"JWT_ISS"}),
    text("scope-prefix", "thatdam", "Prefix of the scopes register, read, apply and admin"),
    yes_no("policy-allow-anonymous-proxy", "Anonymous callers may register and send heartbeats")
      .env({"POLICY_ALLOW_ANONYMOUS_PROXY"}),
    yes_no("policy-require-auth-for-plan", "Plans need credentials").env({"POLICY_REQUIRE_AUTH_FOR_PLAN"}),
    yes_no("policy-require-auth-for-bootstrap", "Bootstrap routes need the apply scope")
      .env({"POLICY_REQUIRE_AUTH_FOR_BOOTSTRAP"}),
    yes_no("policy-plan-requires-registration", "Plans are for registered nodes only")
      .env({"POLICY_PLAN_REQUIRES_REGISTRATION"}),
  };
}

std::vector<Setting> time_settings() {
  return {
    duration("stale-ttl", "30s", 100, kDay, "A node that is silent for this long is stale"),
    duration("node-ttl", "45s", kSecond, kDay, "TTL that plans and registrations tell a node"),
    duration("leader-ttl", "45s", kSecond, kHour, "Length of the leader lease").env({"LEADER_TTL"}),
    duration("claim-ttl", "24h", kSecond, 30 * kDay, "An open claim lapses after this long"),
    duration("secret-ttl", "24h", kSecond, 30 * kDay, "A sealed secret is gone after this long"),
    duration("idempotency-ttl", "24h", kSecond, 30 * kDay, "How long an Idempotency-Key is remembered"),
    duration("command-timeout", "5s", 100, 60 * kSecond, "A command not committed by then is answered 503"),
  };
}

std::vector<Setting> limit_settings() {
  return {
    count("checkpoint-every", "20000", 100, 10'000'000, "Events between two checkpoints"),
    count("max-page", "1000", 1, 100'000, "Most rows of one page of a listing"),
    count("max-in-flight", "16384", 1, 1'000'000, "Most commands that are not answered yet (429)"),
    count("max-runs-per-node", "16", 1, 10'000, "Most runs of jobs at once on one node; others wait"),
    count("max-runs-per-job", "16", 1, 10'000, "Most runs of one job at once; others wait"),
    count("max-queued-runs", "1000", 1, 10'000, "Most runs that wait for their turn (429)"),
    count("max-tails", "10000", 1, 1'000'000, "Most open event streams"),
    bytes("max-header", "16KiB", kKiB, kMiB, "Most bytes of a request's headers (431)"),
    bytes("max-body", "1MiB", kKiB, 256 * kMiB, "Most bytes of a request's body (413)"),
    count("max-connections", "20000", 1, 1'000'000, "Most open connections (429)"),
    duration("header-timeout", "3s", 10, kHour, "Longest time for a request's headers (408)"),
    duration("body-timeout", "5s", 10, kHour, "Longest time for a request's body (408)"),
    duration("write-timeout", "5s", 10, kHour, "Longest time for a client to take a reply; not for streams"),
    duration("idle-timeout", "60s", 10, kDay, "Longest time between two requests of a connection"),
    duration("stall-timeout", "30s", 10, kDay,
             "A stream whose reader takes no byte for this long is dropped"),
    duration("drain-timeout", "5s", 0, kHour, "Longest time for requests in flight when the node stops"),
  };
}

std::vector<Setting> environment_settings() {
  std::vector<Setting> all{
    duration("environment-interval", "30s", 100, kDay, "From look to look at buckets, queues and indexes"),
    text("environment-observe", "", "Components that are looked at and not changed: storage,broker,index"),
    text("minio-endpoint", "", "URL of an S3 server for the profile's buckets; empty: a folder of this node")
      .env({"MINIO_ENDPOINT"}),
    text("minio-access-key", "", "Access key of --minio-endpoint").env({"MINIO_ACCESS_KEY"}).hidden(),
    text("minio-secret-key", "", "Secret key of --minio-endpoint").env({"MINIO_SECRET_KEY"}).hidden(),
    text("minio-region", "us-east-1", "Region of --minio-endpoint").env({"MINIO_REGION"}),
    text("weaviate-url", "",
         "URL of a Weaviate server for the profile's classes; empty: an index of this node")
      .env({"WEAVIATE_URL"}),
    text("weaviate-api-key", "", "API key of --weaviate-url").env({"WEAVIATE_API_KEY"}).hidden(),
    text("kafka-brokers", "", "Brokers of a Kafka cluster for the profile's topics: host:port, by commas")
      .env({"KAFKA_BROKERS"}),
    text("kafka-security-protocol", "plaintext",
         "To --kafka-brokers: plaintext, ssl, sasl_plaintext, sasl_ssl")
      .env({"KAFKA_SECURITY_PROTOCOL"}),
    text("kafka-sasl-mechanism", "PLAIN", "How --kafka-user says who it is")
      .env({"KAFKA_SASL_MECHANISM"})
      .one_of({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}),
    text("kafka-user", "", "User of --kafka-brokers").env({"KAFKA_USER"}),
    text("kafka-password", "", "Password of --kafka-user").env({"KAFKA_PASSWORD"}).hidden(),
    text("kafka-ca", "", "PEM file with the CA of --kafka-brokers; empty: the system's").env({"KAFKA_CA"}),
  };
  for (auto& setting : all) setting.runner = true;  // It keeps an environment, too.
  return all;
}

std::vector<Setting> output_settings() {
  return {
    text("bus-kind", "",
         "Broker of overlay events: amqp, kafka or in-process; empty: amqp when --broker-url is set")
      .env({"BUS_KIND"}),
    text("broker-url", "",
         "AMQP URL of the broker of overlay events, and of the profile's exchanges and queues")
      .env({"BROKER_URL", "EVENT_BROKER_URL", "AMQP_URL"})
      .hidden()
      .for_runner(),
    text("broker-management-url", "",
         "URL of RabbitMQ's management API, which tells more than AMQP can; its user is that of --broker-url "
         "unless it names one")
      .env({"BROKER_MANAGEMENT_URL"})
      .hidden()
      .for_runner(),
    text("amqp-exchange", "events", "Topic exchange that events are published to")
      .env({"AMQP_EXCHANGE"})
      .for_runner(),
    text("event-prefix", "overlay", "First part of every published event's name").env({"EVENT_PREFIX"}),
    text("audit-sink", "", "File that the head of every checkpoint is appended to"),
    text("log", "auto", "Log format; auto is text on a terminal and json elsewhere")
      .env({"LOG_FORMAT"})
      .one_of({"auto", "text", "json"})
      .for_runner(),
    text("log-level", "info", "Least level that is logged")
      .env({"LOG_LEVEL"})
      .one_of({"trace", "debug", "info", "warn", "error"})
      .for_runner(),
    text("log-time", "rfc3339ms", "Time of a log line: with milliseconds, seconds, Unix seconds, or none")
      .env({"LOG_TIME"})
      .one_of({"rfc3339ms", "rfc3339", "unix", "none"})
      .for_runner(),
    text("log-caller", "short", "Taken for old configurations; a log line names no place in the source")
      .env({"LOG_CALLER"})
      .one_of({"short", "full", "none"})
      .for_runner(),
    yes_no("log-no-color", "No colour in the log").env({"LOG_NO_COLOR"}).for_runner(),
  };
}

std::vector<Setting> client_settings() {
  return {
    text("server", called_flwd() ? "http://127.0.0.1:8080" : "http://127.0.0.1:8070",
         "URL of the node to ask; the one that serves the data folder when not given")
      .env({"MUSTER_REMOTE", "FLOWD_REMOTE", "FLWD_API", "SUPERVISOR_URL"})
      .for_runner()
      .for_reader(Reader::client),
    text("token", "", "Bearer token to send")
      .env({"SUPERVISOR_TOKEN", "FLOWD_TOKEN", "FLWD_TOKEN"})
      .hidden()
      .for_runner()
      .for_reader(Reader::client),
    text("ca-cert", "", "PEM file with the CA that the node's certificate is checked against")
      .for_runner()
      .for_reader(Reader::client),
    duration("timeout", "10s", 10, kHour, "Longest time for one call; not for streams")
      .for_runner()
      .for_reader(Reader::client),
  };
}

std::vector<Setting> job_settings() {
  return {
    text("scripts-root", "scripts", "Folder of scripts whose jobs are found")
      .env({"FLWD_SCRIPTS_ROOT"})
      .for_reader(Reader::both),
    yes_no("require-containers", "Serve only where Podman or Docker is; always so for flwd"),
    yes_no("aliases-public", "GET /jobs shows aliases to everybody who may read jobs")
      .env({"FLWD_ALIASES_PUBLIC"}),
    text("extension", "", "Extensions that are on, separated by commas: export").env({"FLWD_EXTENSIONS"}),
    text("security-profile", "secure", "Profile of runs that ask for none; FLWD_PROFILE goes before it")
      .one_of({"secure", "permissive", "disabled"}),
    duration("secure-timeout", "24h", kSecond, 366 * kDay,
             "Longest time of a script under the profile secure whose job names none"),
    bytes("max-journals", "1GiB", kMiB, int64_t{1} << 50,
          "Most bytes of all runs' journals; those of runs that ended first go first"),
    text("allow-local-root", "", "Folders, by commas, in which sources may be, beside the scripts root")
      .env({"FLWD_ALLOW_LOCAL_ROOTS"}),
    text("allow-git-host", "", "Hosts, by commas, that git sources may be fetched from; none is none")
      .env({"FLWD_ALLOW_GIT_HOSTS"}),
    duration("source-timeout", "5m", kSecond, kDay, "Longest time for fetching a source"),
    text("policy-key", "", "PEM file with the key that signed the policy bundle; keyless when not given")
      .env({"FLWD_POLICY_KEY"}),
    text("signer-identity", "", "Who signs images, and the bundle, without a key; cosign 2 has to know it")
      .env({"FLWD_SIGNER_IDENTITY"}),
    text("signer-issuer", "", "Who vouches for that identity: the URL of an OIDC issuer")
      .env({"FLWD_SIGNER_ISSUER"}),
    duration("signature-timeout", "1m", 100, kHour, "Longest time for looking at one signature"),
  };
}

std::vector<Setting> make_settings() {
  std::vector<Setting> all;
  for (auto part :
       {node_settings(), own_side_settings(), cluster_settings(), access_settings(), time_settings(),
        limit_settings(), environment_settings(), output_settings(), job_settings(), client_settings()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

bool called_flwd() {
  return std::string_view{::program_invocation_short_name} == "flwd";
}

std::span<const Setting> settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

}  // namespace muster::config
