// Shows the topics of a Kafka cluster, against a fake broker: what is made, what is left alone, and what a
// cluster that refuses, lies or falls silent comes to.
#include "adapters/kafka_topics.hpp"

#include <condition_variable>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/adapters/fake_kafka.hpp"
#include "tests/adapters/rabbit_server.hpp"
#include "tests/support/eventually.hpp"

using namespace muster;
using environment::Outcome;

namespace {

const profile::Topic kOrders{"orders", 2, 1, {{"retention.ms", "1000"}}};
const environment::Ask kDry{"key", true};

/// Gives up soon.
KafkaSettings hasty(const std::string& brokers) {
  KafkaSettings settings;
  settings.brokers = brokers;
  settings.connect = Millis{600};
  settings.answer = Millis{1'500};
  return settings;
}

std::shared_ptr<Topics> topics_of(const FakeKafka& kafka) {
  KafkaSettings settings;
  settings.brokers = kafka.brokers();
  auto topics = make_kafka_topics(settings);
  REQUIRE(topics);
  return std::move(*topics);
}

Outcome outcome_of(const Result<environment::Ensured>& ensured) {
  if (!ensured) FAIL(ensured.error().code << " " << ensured.error().detail);
  return ensured->outcome;
}

Error error_of(const Result<environment::Ensured>& ensured) {
  REQUIRE_FALSE(ensured);
  return ensured.error();
}

/// A reply with another length in front.
std::string with_length(const std::string& rest) {
  return KafkaWriter().number(static_cast<int64_t>(rest.size()), 4).bytes() + rest;
}

std::string cut(std::string reply) {
  return with_length(reply.substr(4, reply.size() - 7));
}

std::string of_another_topic(std::string reply) {
  const auto at = reply.find("orders");
  return at == std::string::npos ? reply : reply.replace(at, 6, "border");
}

}  // namespace

TEST_CASE("a topic that is missing is made once, with its settings, and is there when the call returns") {
  FakeKafka kafka;
  const auto topics = topics_of(kafka);
  const auto made = topics->ensure_topic(kOrders, {});
  CHECK(outcome_of(made) == Outcome::changed);
  CHECK(made->desired == to_json(kOrders));
  const auto there = kafka.find("orders");
  REQUIRE(there);
  CHECK(there->replicas == std::vector<int>{1, 1});
  CHECK(there->config.at("retention.ms") == "1000");
  CHECK(there->looks_until_led < 0);  // It was seen to have leaders.
  for (int i = 0; i < 2; i++) CHECK(outcome_of(topics->ensure_topic(kOrders, {})) == Outcome::in_sync);
  CHECK(kafka.count(FakeKafka::kCreateTopics) == 1);
  CHECK_FALSE(kafka.was_asked_to_make_by_looking());
}

TEST_CASE("a dry run has a topic judged by the cluster, and makes none") {
  FakeKafka kafka;
  const auto topics = topics_of(kafka);
  for (int i = 0; i < 2; i++) CHECK(outcome_of(topics->ensure_topic(kOrders, kDry)) == Outcome::changed);
  CHECK_FALSE(kafka.find("orders"));
  CHECK(kafka.count(FakeKafka::kCreateTopics) == 2);
  kafka.refuse(FakeKafka::kCreateTopics, 40, "Unknown topic config name: retention.ns");
  const auto error = error_of(topics->ensure_topic(kOrders, kDry));
  CHECK(error.code == "backend.refused");
  CHECK_THAT(error.detail, Catch::Contains("retention.ns"));
}

TEST_CASE("a topic that is there is compared, and never changed") {
  FakeKafka kafka;
  const auto topics = topics_of(kafka);
  const auto found = [&](FakeKafka::Topic topic) {
    kafka.put("orders", std::move(topic));
    const auto dry = topics->ensure_topic(kOrders, kDry);
    const auto ensured = topics->ensure_topic(kOrders, {});
    CHECK(outcome_of(dry) == outcome_of(ensured));
    return *ensured;
  };
  CHECK(found({{1, 1, 1}, {{"retention.ms", "1000"}, {"other", "x"}}}).outcome == Outcome::in_sync);
  const auto fewer = found({{1}, {{"retention.ms", "1000"}}});
  CHECK(fewer.outcome == Outcome::drifted);
  CHECK(fewer.actual["partitions"] == 1);
  const auto other = found({{1, 1}, {{"retention.ms", "7"}, {"other", "x"}}});
  CHECK(other.outcome == Outcome::drifted);
  CHECK(other.actual["config"] == Json{{"retention.ms", "7"}});
  CHECK(found({{1, 1}, {{"retention.ms", {}}}}).outcome == Outcome::drifted);
  CHECK(found({{1, 1}, {}}).outcome == Outcome::drifted);
  CHECK(found({{1, 3}, {{"retention.ms", "1000"}}}).outcome == Outcome::incompatible);
  CHECK(found({{1, 1}, {{"retention.ms", "1000"}}, 5}).outcome ==
        Outcome::in_sync);  // Without a leader just now.
  CHECK(kafka.count(FakeKafka::kCreateTopics) == 0);
}

TEST_CASE("a setting of another value is told in one short line, without the password") {
  FakeKafka kafka;
  auto settings = hasty(kafka.brokers());
  settings.security_protocol = "SASL_PLAINTEXT";
  settings.user = "someone";
  settings.password = "let-me-in";
  KafkaTopics topics(settings);
  const auto told = [&](const std::string& value) {
    kafka.put("orders", {{1, 1}, {{"retention.ms", value}}});
    const auto ensured = topics.ensure_topic(kOrders, {});
    CHECK(outcome_of(ensured) == Outcome::drifted);
    CHECK(ensured->detail.size() < 400);
    CHECK_THAT(ensured->detail,
               Catch::Contains(ensured->actual["config"]["retention.ms"].get<std::string>()));
    return ensured->actual["config"]["retention.ms"].get<std::string>();
  };
  CHECK(told("7") == "7");
  CHECK(told("user=someone password=let-me-in\n\xff") == "user=someone password=*** ?");
  CHECK(told(std::string(30'000, 'x')) == std::string(300, 'x') + "...");
  const std::string most(topics::kMaxSetting, 'x');
  kafka.put("orders", {{1, 1}, {{"retention.ms", most}}});
  CHECK(outcome_of(topics.ensure_topic({"orders", 2, 1, {{"retention.ms", most}}}, {})) == Outcome::in_sync);
}

TEST_CASE("settings are not asked for when none are desired") {
  FakeKafka kafka;
  kafka.put("plain", {{1}, {}});
  CHECK(outcome_of(topics_of(kafka)->ensure_topic({"plain", 1, 1, {}}, {})) == Outcome::in_sync);
  CHECK(kafka.count(FakeKafka::kDescribeConfigs) == 0);
}

TEST_CASE("a topic that somebody else makes at the same moment is compared") {
  FakeKafka kafka;
  const auto topics = topics_of(kafka);
  kafka.be_quicker({{1, 1}, {{"retention.ms", "5"}}});
  CHECK(outcome_of(topics->ensure_topic(kOrders, {})) == Outcome::drifted);
}

TEST_CASE("what a cluster refuses is told with its words and the port's code") {
  const auto [code, expected] = GENERATE(table<int, std::string>({{7, "unreachable"},
                                                                  {17, "backend.conflict"},
                                                                  {29, "backend.refused"},
                                                                  {37, "backend.refused"},
                                                                  {38, "backend.refused"},
                                                                  {40, "backend.refused"},
                                                                  {41, "unreachable"},
                                                                  {42, "backend.refused"},
                                                                  {44, "backend.refused"},
                                                                  {89, "backend.throttled"}}));
  FakeKafka kafka;
  kafka.refuse(FakeKafka::kCreateTopics, code, "because\nof \xff this");
  const auto error = error_of(topics_of(kafka)->ensure_topic(kOrders, {}));
  CHECK(error.code == expected);
  CHECK_THAT(error.detail, Catch::EndsWith("because of ? this"));
  CHECK_FALSE(kafka.find("orders"));
}

TEST_CASE("one call of several that may not be is refused") {
  FakeKafka kafka;
  kafka.put("orders", {{1, 1}, {{"retention.ms", "1000"}}});
  const auto topics = topics_of(kafka);
  SECTION("settings") {
    kafka.refuse(FakeKafka::kDescribeConfigs, 29, "not you");
    CHECK(error_of(topics->ensure_topic(kOrders, {})).code == "backend.refused");
    CHECK(outcome_of(topics->ensure_topic({"orders", 2, 1, {}}, {})) == Outcome::in_sync);
  }
  SECTION("looking") {
    kafka.refuse(FakeKafka::kMetadata, 29, "");
    CHECK(error_of(topics->ensure_topic(kOrders, {})).code == "backend.refused");
  }
}

TEST_CASE("a name that no topic has is refused before anybody is asked") {
  FakeKafka kafka;
  const auto topics = topics_of(kafka);
  CHECK(error_of(topics->ensure_topic({"no topic", 1, 1, {}}, {})).code == "field.invalid");
  CHECK(error_of(topics->ensure_topic({"t", 0, 1, {}}, {})).code == "field.invalid");
  CHECK(kafka.count(FakeKafka::kApiVersions) == 0);
}

TEST_CASE("leaders that do not come are told, and the topic is in sync afterwards") {
  FakeKafka kafka;
  kafka.looks_until_led = 1'000'000;
  KafkaTopics topics(hasty(kafka.brokers()));
  const auto error = error_of(topics.ensure_topic(kOrders, {}));
  CHECK(error.code == "unreachable");
  CHECK_THAT(error.detail, Catch::Contains("no leaders yet"));
  CHECK(outcome_of(topics.ensure_topic(kOrders, {})) == Outcome::in_sync);
  CHECK(kafka.count(FakeKafka::kCreateTopics) == 1);
}

TEST_CASE("a broker that lies ends in an error in time, and is used when it does not") {
  const auto [name, instead, code] = GENERATE(table<std::string, std::optional<std::string>, std::string>(
    {{"hangs up", "", "unreachable"},
     {"says nothing", {}, "unreachable"},
     {"speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "backend.reply"},
     {"is without end", KafkaWriter().number(2'000'000'000, 4).number(1, 4).bytes(), "backend.reply"},
     {"is shorter than nothing", KafkaWriter().number(-5, 4).number(1, 4).bytes(), "backend.reply"},
     {"is noise", std::string(70'000, '\xff'), "backend.reply"},
     {"is empty", std::string(70'000, '\0'), "backend.reply"}}));
  const int api = GENERATE(FakeKafka::kMetadata, FakeKafka::kDescribeConfigs);
  CAPTURE(name, api);
  std::atomic<bool> lies{true};
  FakeKafka kafka([&, instead = instead](int asked, const std::string& reply) {
    return asked == api && lies ? instead : std::optional(reply);
  });
  kafka.put("orders", {{1, 1}, {{"retention.ms", "1000"}}});
  KafkaTopics topics(hasty(kafka.brokers()));
  const auto error = error_of(topics.ensure_topic(kOrders, {}));
  CAPTURE(error.detail);
  CHECK(error.code == code);
  CHECK(error.detail.size() < 500);
  lies = false;
  CHECK(eventually([&] { return bool(topics.ensure_topic(kOrders, {})); }));
}

TEST_CASE("a reply whose parts cannot be right is told as one") {
  const int api = GENERATE(FakeKafka::kMetadata, FakeKafka::kDescribeConfigs, FakeKafka::kCreateTopics);
  const auto twist = GENERATE(values<std::pair<std::string, std::string (*)(std::string)>>(
    {{"is cut", cut},
     {"has a million parts",
      [](std::string reply) { return reply.replace(12, 4, KafkaWriter().number(1'000'000, 4).bytes()); }},
     {"has less than no parts",
      [](std::string reply) { return reply.replace(12, 4, KafkaWriter().number(-7, 4).bytes()); }},
     {"is of another topic", of_another_topic}}));
  CAPTURE(api, twist.first);
  FakeKafka kafka([&](int asked, const std::string& reply) {
    return std::optional(asked == api ? twist.second(reply) : reply);
  });
  if (api == FakeKafka::kDescribeConfigs) kafka.put("orders", {{1, 1}, {{"retention.ms", "1000"}}});
  const auto error = error_of(KafkaTopics(hasty(kafka.brokers())).ensure_topic(kOrders, {}));
  CAPTURE(error.detail);
  CHECK(error.code == "backend.reply");
  CHECK(kafka.count(api) < 10);  // Nobody is asked over and over.
}

TEST_CASE("who may not enter is refused, and nobody reads the password", "[S2-37]") {
  FakeKafka kafka;
  kafka.put("orders", {{1, 1}, {{"retention.ms", "1000"}}});
  auto settings = hasty(kafka.brokers());
  settings.security_protocol = "SASL_PLAINTEXT";
  settings.user = "someone";
  settings.password = "let-me-in";
  CHECK(outcome_of(KafkaTopics(settings).ensure_topic(kOrders, {})) == Outcome::in_sync);
  settings.password = "s3cr3t-word";
  const auto error = error_of(KafkaTopics(settings).ensure_topic(kOrders, {}));
  CHECK(error.code == "backend.refused");
  CHECK_THAT(error.detail, Catch::Contains("Authentication failed") && !Catch::Contains("s3cr3t"));
}

TEST_CASE("a password that is another one now is refused, and who knows it again is let in") {
  FakeKafka kafka;
  kafka.put("orders", {{1, 1}, {{"retention.ms", "1000"}}});
  auto settings = hasty(kafka.brokers());
  settings.security_protocol = "SASL_PLAINTEXT";
  settings.user = "someone";
  settings.password = "let-me-in";
  KafkaTopics topics(settings);
  CHECK(outcome_of(topics.ensure_topic(kOrders, {})) == Outcome::in_sync);
  kafka.set_password("an0ther-one");
  std::string detail;
  CHECK(eventually([&] {
    const auto ensured = topics.ensure_topic(kOrders, {});
    if (!ensured) detail = ensured.error().detail;
    return !ensured && ensured.error().code == "backend.refused";
  }));
  CHECK_THAT(detail, Catch::Contains("Authentication fail") && !Catch::Contains("let-me-in"));
  kafka.set_password("let-me-in");
  CHECK(eventually([&] { return bool(topics.ensure_topic(kOrders, {})); }));
}

TEST_CASE("a cluster whose certificate names another host, or that nobody trusts, is not spoken to") {
  const auto said = [](const std::string& host, const std::string& ca_file) {
    const auto server = RabbitServer::get(SOURCE_DIR).tls("localhost");  // It speaks TLS, that is enough.
    KafkaSettings settings;
    settings.brokers = host + ":" + std::to_string(server.url.port);
    settings.security_protocol = "ssl";
    settings.ca_file = ca_file == "its" ? server.ca_file : ca_file;
    const auto error = error_of(KafkaTopics(settings).ensure_topic(kOrders, {}));
    UNSCOPED_INFO(error.detail);
    return error.code;
  };
  CHECK(said("127.0.0.1", "its") == "tls.untrusted");
  CHECK(said("localhost", "") == "tls.untrusted");
  CHECK(said("localhost", "/nowhere.pem") == "tls.untrusted");
  CHECK(said("localhost", "its") != "tls.untrusted");
}

TEST_CASE("who is not there, or hears and says nothing, is unreachable, and a call ends when it is told to") {
  SECTION("nobody") {
    KafkaTopics topics(hasty("127.0.0.1:1"));
    const auto error = error_of(topics.ensure_topic(kOrders, {}));
    CHECK(error.code == "unreachable");
    CHECK_THAT(error.detail, Catch::Contains("refused"));
  }
  SECTION("silence") {
    std::mutex mutex;
    std::condition_variable wake;
    bool heard = false;
    Listening server([&](int peer) {
      char byte = 0;
      while (recv(peer, &byte, 1, 0) == 1) {
        const std::lock_guard lock(mutex);
        heard = true;
        wake.notify_all();
      }
    });
    const auto brokers = "127.0.0.1:" + std::to_string(server.port());
    CHECK(error_of(KafkaTopics(hasty(brokers)).ensure_topic(kOrders, {})).code == "unreachable");
    auto patient = hasty(brokers);
    patient.connect = patient.answer = std::chrono::seconds{40};
    KafkaTopics topics(patient);
    heard = false;
    std::string code;
    std::thread call([&] { code = topics.ensure_topic(kOrders, {}).error().code; });
    {
      std::unique_lock lock(mutex);
      CHECK(wake.wait_for(lock, std::chrono::seconds{20}, [&] { return heard; }));
    }
    topics.cancel();
    call.join();
    CHECK(code == "unreachable");
    CHECK(error_of(topics.ensure_topic(kOrders, {})).code == "unreachable");
  }
}
