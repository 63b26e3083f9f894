// Choosing backends, and telling what came of looking at them.
#include "app/node/environment_side.hpp"

#include <spdlog/spdlog.h>

#include "adapters/folder_storage.hpp"
#include "adapters/machine.hpp"
#include "adapters/memory_index.hpp"
#include "adapters/s3_storage.hpp"
#include "adapters/weaviate_index.hpp"
#include "app/event_bus.hpp"
#include "base/chance.hpp"
#include "domain/endpoint.hpp"
#include "http/log_line.hpp"

namespace muster::app {
namespace {

constexpr std::chrono::minutes kExpireEvery{10};

/// Nothing in the node stands for Kafka.
class NoTopics : public Topics {
public:
  Result<environment::Ensured> ensure_topic(const profile::Topic&, const environment::Ask&) override {
    return Error{"capability.missing", "no Kafka is configured: set --kafka-brokers (KAFKA_BROKERS)"};
  }
};

/// The components of --environment-observe.
Result<std::array<bool, environment::kComponents.size()>> observed(const config::Config& config) {
  std::array<bool, environment::kComponents.size()> observe{};
  std::string_view rest = config.text("environment-observe");
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto component = environment::component_of(rest.substr(0, comma));
    if (!component) return Error{"config.invalid", "environment-observe: " + component.error().detail, {}};
    observe[static_cast<size_t>(*component)] = true;
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  return observe;
}

/// Which components are paused, as the published document says beside the profile; taken out of it.
environment::Pauses take_pauses(Json& document) {
  environment::Pauses pauses;
  if (!document.is_object()) return pauses;
  const auto paused = document.value("paused", Json::object());
  document.erase("paused");
  if (!paused.is_object()) return pauses;
  for (const auto& [name, pause] : paused.items()) {
    const auto component = environment::component_of(name);
    if (!component || !pause.is_object()) continue;
    const auto text = [&pause = pause](const char* member) {
      const auto found = pause.find(member);
      return found != pause.end() && found->is_string() ? found->get<std::string>() : "";
    };
    const auto reason = text("reason");
    pauses[*component] = "paused by " + text("by") + (reason.empty() ? "" : ": " + reason);
  }
  return pauses;
}

}  // namespace

Result<Backends> EnvironmentSide::backends(const config::Config& config) {
  Backends made;
  const auto mark = [machine = machine_identity()](const environment::Endpoint& endpoint) {
    return environment::mark_of(endpoint, machine);
  };
  made.broker = options_.bus;
  made.broker_name = "in-process";
  if (options_.rabbit) {
    if (const auto url = parse_amqp_url(config.text("broker-url")); url)
      made.broker_endpoint = mark({url->tls ? "amqps" : "amqp", url->host, url->port, url->vhost});
    made.broker = options_.rabbit;
    made.broker_name = "rabbitmq";
  }
  if (const auto& endpoint = config.text("minio-endpoint"); !endpoint.empty()) {
    S3Settings settings;
    settings.endpoint = endpoint;
    settings.credentials = {config.text("minio-access-key"), config.text("minio-secret-key")};
    settings.region = config.text("minio-region");
    if (auto sound = check(settings); !sound) return sound.error();
    made.storage = std::make_shared<S3Storage>(std::move(settings));
    made.storage_name = "s3";
    made.storage_endpoint = mark(environment::endpoint_of(endpoint));
  } else {
    made.storage = folder_ = std::make_shared<FolderStorage>(options_.data + "/objects");
    made.storage_name = "folder";
  }
  const auto& weaviate = config.text("weaviate-url");
  auto index = weaviate.empty() ? make_memory_index(*options_.disk)
                                : make_weaviate_index({weaviate, config.text("weaviate-api-key")});
  if (!index) return index.error();
  made.index = std::move(*index);
  made.index_name = weaviate.empty() ? "embedded" : "weaviate";
  if (!weaviate.empty()) made.index_endpoint = mark(environment::endpoint_of(weaviate));
  made.topics = std::make_shared<NoTopics>();
  made.topics_name = "none";
  if (!config.text("kafka-brokers").empty()) {
    auto topics = make_kafka_topics(kafka_of(config));
    if (!topics) return topics.error();
    made.topics = std::move(*topics);
    made.topics_name = "kafka";
    made.topics_endpoint = mark({"kafka", config.text("kafka-brokers")});
  }
  return made;
}

/// Looked at once: nobody writes to an embedded one beside a server. What does not read is not told.
std::map<environment::Component, environment::LeftBehind> EnvironmentSide::left_behind(
  const Backends& used) const {
  std::map<environment::Component, environment::LeftBehind> left;
  const auto add = [&](environment::Component component, const char* backend, std::string resource) {
    auto& behind = left[component];
    behind.backend = backend;
    if (behind.total++ < environment::LeftBehind::kMost) behind.resources.push_back(std::move(resource));
  };
  if (!environment::is_embedded(used.storage_name))
    if (const auto buckets = FolderStorage(options_.data + "/objects").buckets(); buckets)
      for (const auto& name : *buckets) add(environment::Component::storage, "folder", "bucket " + name);
  if (!environment::is_embedded(used.broker_name))
    for (const auto& [name, messages] : options_.bus->queues())
      add(environment::Component::broker, "in-process",
          "queue " + name + " (" + std::to_string(messages) + " messages)");
  if (!environment::is_embedded(used.index_name))
    if (const auto classes = kept_classes(*options_.disk); classes)
      for (const auto& name : *classes) add(environment::Component::index, "embedded", "class " + name);
  return left;
}

Result<std::unique_ptr<EnvironmentSide>> EnvironmentSide::start(const config::Config& config,
                                                                EnvironmentSideOptions options) {
  std::unique_ptr<EnvironmentSide> made{new EnvironmentSide{std::move(options)}};
  auto& self = *made;
  auto backends = self.backends(config);
  if (!backends) return backends.error();
  auto observe = observed(config);
  if (!observe) return observe.error();
  auto reports = ReportBox::open(self.options_.node, *self.options_.disk);
  if (!reports) return reports.error();
  self.reports_ = std::move(*reports);
  EnvironmentOptions environment;
  environment.node = self.options_.node;
  environment.left_behind = self.left_behind(*backends);
  environment.backends = std::move(*backends);
  environment.pace.interval = config.duration("environment-interval");
  environment.observe = *observe;
  environment.now = system_now;
  environment.chance = chance;
  environment.intends = [&self](const environment::Report& look) { return self.intends(look); };
  environment.told = [&self](const environment::Report& report) { self.told(report); };
  self.environment_ = std::make_unique<Environment>(std::move(environment));
  return made;
}

void EnvironmentSide::take_profile(const std::string& text, std::function<void()> looked) {
  auto document = parse_json(text);
  auto pauses = document ? take_pauses(*document) : environment::Pauses{};
  auto profile =
    document ? profile::parse(document->dump(), "profile.json") : Result<profile::Profile>{document.error()};
  if (!profile) {
    spdlog::error("environment profile error={}", profile.error().detail);
    return looked();
  }
  // Nobody looks at topics when there are none.
  if (profile->topics.empty() && reports_->give_up(environment::Component::topics, system_now()) &&
      options_.reports_wait)
    options_.reports_wait();
  environment_->desire(std::move(*profile), std::move(pauses), std::move(looked));
}

void EnvironmentSide::broker_awaited() {
  if (options_.rabbit && options_.rabbit->look_due())
    (void)environment_->look(false, environment::Component::broker, [](const auto&) {});
}

Status EnvironmentSide::intends(const environment::Report& look) {
  auto kept = reports_->intend(look);
  if (kept && options_.reports_wait) options_.reports_wait();
  return kept;
}

/// A server does that by itself.
void EnvironmentSide::expire_objects() {
  if (!folder_ || system_now() - expired_at_ < kExpireEvery) return;
  expired_at_ = system_now();
  if (auto expired = folder_->expire(expired_at_); !expired)
    spdlog::warn("environment component=storage action=expire error={}", expired.error().detail);
}

/// The fields that the supervisor contract names in section 11.
void EnvironmentSide::told(const environment::Report& report) {
  if (report.component == environment::Component::storage) expire_objects();
  const auto status = environment::status_of(report);
  const bool news = reports_->put(report);
  const bool well = status == "ok";
  const auto level = news && !well                         ? spdlog::level::warn
                     : news || !well || report.attempt > 1 ? spdlog::level::info
                                                           : spdlog::level::debug;
  std::string line;
  http::LogLine{line, options_.json_log, "environment"}
    .text("component", environment::to_text(report.component))
    .text("backend", report.backend)
    .text("action", report.wrote() ? "apply" : "check")
    .text("status", status)
    .number("attempt", report.attempt)
    .truth("idempotent", !report.wrote())
    .text("generation", report.generation)
    .number("duration_ms", report.took.count())
    .text("detail", environment::message_of(report));
  spdlog::default_logger_raw()->log(level, spdlog::string_view_t{line.data(), line.size()});
  if (news && options_.reports_wait) options_.reports_wait();
}

}  // namespace muster::app
