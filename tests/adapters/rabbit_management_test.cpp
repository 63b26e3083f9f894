// Shows what RabbitMQ's management API adds to the bus: drift of bindings and forms that AMQP cannot see, and
// a bus that goes on without it when it is away, refuses or lies.
#include <catch2/catch.hpp>

#include "adapters/rabbit_bus.hpp"
#include "tests/adapters/amqp_by_hand.hpp"
#include "tests/adapters/rabbit_server.hpp"
#include "tests/adapters/tiny_server.hpp"

using namespace muster;
using environment::Ask;
using environment::Outcome;

namespace {

const profile::Exchange kExchange{"m.orders", "topic"};
const profile::Queue kQueue{"m.work", 60, "m.dead"};
const profile::Binding kBinding{"m.orders", "m.work", "new.*"};
const Ask kDry{"", true};

RabbitServer& rabbit() {
  return RabbitServer::get(SOURCE_DIR);
}

ManagementUrl maker() {
  return {rabbit().management(), "maker", "let-me-make"};
}

RabbitOptions options(const AmqpProxy& proxy, std::optional<ManagementUrl> management) {
  RabbitOptions options;
  options.amqp = rabbit().options();
  options.amqp.url.port = proxy.port();
  options.exchange = "muster.test";
  options.management = std::move(management);
  return options;
}

/// In the order of a look.
std::vector<Outcome> ensure_all(RabbitBus& bus, const Ask& ask) {
  std::vector<Outcome> outcomes;
  for (const auto& ensured : {bus.ensure_exchange(kExchange, ask), bus.ensure_queue(kQueue, ask),
                              bus.ensure_binding(kBinding, ask)}) {
    REQUIRE(ensured);
    outcomes.push_back(ensured->outcome);
  }
  return outcomes;
}

const std::vector<Outcome> kInSync(3, Outcome::in_sync), kChanged(3, Outcome::changed);
using Counts = std::map<std::string, int>;
const Counts kLooks{{"exchange.look", 1}, {"queue.look", 1}};

}  // namespace

TEST_CASE("what the management API lists is seen at the next look, and nothing is written to see it",
          "[S2-24][S2-25][S2-26][S2-30]") {
  AmqpStranger stranger(rabbit().port());
  stranger.delete_queue("m.work");
  stranger.delete_exchange("m.orders");
  AmqpProxy proxy(rabbit().port());
  RabbitBus bus(options(proxy, maker()));
  REQUIRE(bus.look());
  CHECK(ensure_all(bus, kDry) == kChanged);
  CHECK(ensure_all(bus, {}) == kChanged);
  proxy.take_counts();

  SECTION("a second look, and the first of another connection, only look") {
    RabbitBus other(options(proxy, maker()));
    CHECK(other.depth("m.work"));
    CHECK(proxy.take_counts() == Counts{{"exchange.declare", 1}, {"queue.look", 1}});  // The bus's own.
    for (auto* each : {&bus, &other}) {
      REQUIRE(each->look());
      CHECK(ensure_all(*each, kDry) == kInSync);
      CHECK(proxy.take_counts() == kLooks);
      const auto binding = each->ensure_binding(kBinding, kDry);
      CHECK_FALSE(binding->unseen);
      CHECK(binding->detail.empty());
    }
  }
  SECTION("a binding that was taken away is made again by one bind, and counts as made") {
    stranger.unbind("m.work", "m.orders", "new.*");
    REQUIRE(bus.look());
    for (int i = 0; i < 2; i++)
      CHECK(ensure_all(bus, kDry) == std::vector{Outcome::in_sync, Outcome::in_sync, Outcome::changed});
    CHECK(proxy.take_counts() == Counts{{"exchange.look", 2}, {"queue.look", 2}});
    CHECK(bus.ensure_binding(kBinding, {})->outcome == Outcome::changed);
    CHECK(proxy.take_counts() == Counts{{"bind", 1}});
    REQUIRE(bus.look());
    CHECK(ensure_all(bus, kDry) == kInSync);
    CHECK(bus.publish_many({{"m.orders", "new.1", "x", "", true}}).front());
  }
  SECTION("a queue that goes after it was listed takes its bindings with it") {
    REQUIRE(bus.look());
    stranger.delete_queue("m.work");
    CHECK(ensure_all(bus, kDry) == std::vector{Outcome::in_sync, Outcome::changed, Outcome::changed});
  }
  SECTION("a prune knows whether there is anything to take away") {
    REQUIRE(bus.look());
    const auto dry = bus.remove_binding(kBinding, kDry);
    CHECK(dry->outcome == Outcome::changed);
    CHECK(dry->detail == "the binding would be removed");
    CHECK(bus.remove_binding({"m.orders", "m.work", "other"}, kDry)->outcome == Outcome::in_sync);
    CHECK(bus.remove_binding(kBinding, {})->outcome == Outcome::changed);
    CHECK(bus.remove_binding(kBinding, {})->outcome == Outcome::in_sync);
    CHECK(proxy.take_counts() == Counts{{"unbind", 1}});
  }
  SECTION("a queue that somebody made anew in another form is shown with both sides, all of them") {
    stranger.delete_queue("m.work");
    RabbitBus somebody(options(proxy, std::nullopt));
    REQUIRE(somebody.ensure_queue({"m.work", 61}, {}));
    REQUIRE(bus.look());
    for (int i = 0; i < 2; i++) {
      const auto other = bus.ensure_queue(kQueue, kDry);
      REQUIRE(other);
      CHECK(other->outcome == Outcome::incompatible);
      CHECK(other->actual == to_json(profile::Queue{"m.work", 61}));
    }
  }
  SECTION("a queue with an argument that a broker does not compare is compared once") {
    stranger.delete_queue("m.work");
    stranger.make_queue("m.work", {{"x-message-ttl", 60'000}, {"x-our-own", 1}});
    const profile::Queue without{"m.work", 60};
    for (const int declares : {1, 0}) {
      REQUIRE(bus.look());
      CHECK(bus.ensure_queue(without, kDry)->outcome == Outcome::in_sync);
      CHECK(proxy.take_counts()["queue.declare"] == declares);
    }
  }
}

TEST_CASE("a management API that is of no use is told, and the bus goes on by what AMQP can see", "[S2-37]") {
  AmqpStranger stranger(rabbit().port());
  AmqpProxy proxy(rabbit().port());
  const auto told = [&](const std::string& url, const std::string& user = "u") {
    stranger.delete_queue("m.work");
    stranger.delete_exchange("m.orders");
    RabbitBus bus(options(proxy, ManagementUrl{url, user, "s3cr3t-word"}));
    const auto status = bus.look();
    REQUIRE_FALSE(status);
    for (const std::string secret : {"s3cr3t-word", "czNjcjN0LXdvcmQ", "OnMzY3IzdC13b3Jk"})
      CHECK_THAT(status.error().detail, !Catch::Contains(secret));
    CHECK_THAT(status.error().detail, Catch::StartsWith(url));
    CHECK(ensure_all(bus, {}) == kChanged);
    CHECK(bus.look().error().code == status.error().code);
    proxy.take_counts();
    CHECK(ensure_all(bus, {}) == kInSync);
    CHECK(proxy.take_counts() == kLooks);
    CHECK_THAT(bus.remove_binding(kBinding, kDry)->detail, Catch::Contains("cannot be seen over AMQP"));
    return status.error();
  };
  const auto said_by_fake = [&](const std::string& answer) {
    TinyServer fake([&](const std::string&) { return answer; });
    return told(fake.url(""));
  };

  SECTION("it is away, or hangs up") {
    CHECK(told("http://127.0.0.1:" + std::to_string(test::free_port())).code == "unreachable");
    CHECK(said_by_fake("").code == "unreachable");
    CHECK(said_by_fake("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n").code == "unreachable");
  }
  SECTION("it knows the user not, or not as one who may") {
    CHECK(told(rabbit().management(), "maker").code == "backend.refused");
    const auto error = said_by_fake(http_answer(403, "dTpzM2NyM3Qtd29yZA== s3cr3t-word"));
    CHECK(error.code == "backend.refused");
    CHECK_THAT(error.detail, Catch::Contains("/api/bindings/%2F answered 403"));
    const ManagementUrl reader{rabbit().management(), "reader", "let-me-read"};
    CHECK(RabbitBus(options(proxy, reader)).look().error().code == "backend.refused");
  }
  SECTION("it is not well, or wants to be left alone, and is") {
    CHECK(said_by_fake(http_answer(500, "")).code == "unreachable");
    CHECK(said_by_fake(http_answer(404, "")).code == "backend.reply");
    for (const std::string status : {"429", "503"}) {
      TinyServer fake([&](const std::string&) {
        return "HTTP/1.1 " + status + " X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
      });
      const auto error = told(fake.url(""));
      CHECK(error.code == "unreachable");
      CHECK_THAT(error.detail, Catch::EndsWith("answered " + status + ", and to ask again in 7 s"));
      CHECK(fake.requests() == 1);
    }
  }
  SECTION("it answers what cannot be right") {
    for (const auto& body :
         {std::string(), std::string("<html>"), std::string("{}"), std::string("5"), std::string("[5]"),
          std::string(R"([{"source":"e"}])"), std::string("[\"\xff\"]"), std::string(100'000, '['),
          std::string(R"([{"source":5,"destination":"q","destination_type":"queue","routing_key":"k"}])"),
          std::string(17 << 20, ' ')}) {
      CAPTURE(body.substr(0, 100));
      CHECK(said_by_fake(http_answer(200, body)).code == "backend.reply");
    }
  }
}

TEST_CASE("a look that waits for a management API ends when it is cancelled") {
  TinyServer fake([](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"; });
  AmqpProxy proxy(rabbit().port());
  RabbitBus bus(options(proxy, ManagementUrl{fake.url(""), "u", "p"}));
  std::thread looking([&] { CHECK(bus.look().error().code == "unreachable"); });
  CHECK(eventually([&] { return fake.requests() == 1; }));
  const auto before = steady_now();
  bus.cancel();
  looking.join();
  CHECK(steady_now() - before < std::chrono::seconds{2});
}
