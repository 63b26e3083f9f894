// Shows the bus on a real RabbitMQ: under the contract of every bus, what goes over the wire, refusals, and a
// connection that breaks.
#include "adapters/rabbit_bus.hpp"

#include <catch2/catch.hpp>

#include "tests/adapters/amqp_by_hand.hpp"
#include "tests/adapters/bus_contract.hpp"
#include "tests/adapters/rabbit_server.hpp"

using namespace muster;
using environment::Outcome;

namespace {

RabbitServer& rabbit() {
  return RabbitServer::get(SOURCE_DIR);
}

/// Retries soon, so that a test need not wait.
RabbitOptions soon(AmqpOptions amqp) {
  RabbitOptions options;
  options.amqp = std::move(amqp);
  options.exchange = "muster.test";
  options.first_retry = Millis{20};
  options.longest_retry = Millis{100};
  return options;
}

RabbitOptions through(const AmqpProxy& proxy) {
  auto options = soon(rabbit().options());
  options.amqp.url.port = proxy.port();
  return options;
}

/// A broker's memory is longer than a test's.
void forget_all() {
  AmqpStranger stranger(rabbit().port());
  for (const auto* queue :
       {"work", "all", "ok", "none", "a", "b", "dead", "brief", "locked", "q0", "q1", "q2"})
    stranger.delete_queue(queue);
  for (const auto* exchange : {"orders", "news", "loud", "later", "dlx", "muster.test", "e0", "e1", "e2"})
    stranger.delete_exchange(exchange);
}

using Counts = std::map<std::string, int>;

}  // namespace

TEST_CASE("the bus on RabbitMQ keeps the bus's contract",
          "[S2-24][S2-25][S2-26][S2-27a][S2-37][S2-71][S2-72]") {
  bus_contract([] {
    forget_all();
    return std::make_unique<RabbitBus>(soon(rabbit().options()));
  });
}

TEST_CASE("what goes over the wire to RabbitMQ", "[S2-24][S2-27a][S2-27b]") {
  forget_all();
  AmqpProxy proxy(rabbit().port());
  RabbitBus bus(through(proxy));
  const auto ensure_all = [&](const environment::Ask& ask) {
    std::vector<Outcome> outcomes;
    const auto add = [&](const Result<environment::Ensured>& ensured) {
      REQUIRE(ensured);
      outcomes.push_back(ensured->outcome);
    };
    for (const std::string n : {"0", "1", "2"}) add(bus.ensure_exchange({"e" + n, "topic"}, ask));
    for (const std::string n : {"0", "1", "2"}) add(bus.ensure_queue({"q" + n, 60, "e0"}, ask));
    for (const std::string n : {"0", "1", "2"}) add(bus.ensure_binding({"e" + n, "q" + n, "k"}, ask));
    return outcomes;
  };
  const std::vector<Outcome> changed(9, Outcome::changed), in_sync(9, Outcome::in_sync);

  SECTION("a second pass writes nothing, a dry run makes nothing") {
    CHECK(ensure_all({"", true}) == changed);
    proxy.take_counts();
    CHECK(ensure_all({"", true}) == changed);
    CHECK(proxy.take_counts() == Counts{{"exchange.look", 6}, {"queue.look", 6}});  // Bindings look, too.
    CHECK(ensure_all({}) == changed);
    CHECK(
      proxy.take_counts() ==
      Counts{
        {"exchange.look", 3}, {"exchange.declare", 3}, {"queue.look", 3}, {"queue.declare", 3}, {"bind", 3}});
    for (const bool dry : {false, true}) {
      CHECK(ensure_all({"", dry}) == in_sync);
      CHECK(proxy.take_counts() == Counts{{"exchange.look", 3}, {"queue.look", 3}});
    }
  }

  SECTION("what somebody deleted is made and bound again") {
    CHECK(ensure_all({}) == changed);
    {
      AmqpStranger stranger(rabbit().port());
      stranger.delete_queue("q1");
      stranger.delete_exchange("e2");
    }
    proxy.take_counts();
    CHECK(ensure_all({}) == std::vector<Outcome>{Outcome::in_sync, Outcome::in_sync, Outcome::changed,
                                                 Outcome::in_sync, Outcome::changed, Outcome::in_sync,
                                                 Outcome::in_sync, Outcome::changed, Outcome::changed});
    CHECK(proxy.take_counts()["bind"] == 2);
    CHECK(bus.publish_many({{"e1", "k", "x", "", true}, {"e2", "k", "x", "", true}})[1]);
    CHECK(ensure_all({}) == in_sync);
  }

  SECTION("another connection compares once and finds all as it should be") {
    CHECK(ensure_all({}) == changed);
    RabbitBus other(through(proxy));
    proxy.take_counts();
    CHECK(other.ensure_queue({"q0", 60, "e0"}, {})->outcome == Outcome::in_sync);
    CHECK(other.ensure_queue({"q0", 60, "e0"}, {})->outcome == Outcome::in_sync);
    auto counts = proxy.take_counts();
    CHECK(counts["queue.look"] == 2);
    CHECK(counts["queue.declare"] == 1);
    const auto differs = other.ensure_queue({"q0", 61, "e0"}, {});
    REQUIRE(differs);
    CHECK(differs->outcome == Outcome::incompatible);
    CHECK(differs->desired["ttl"] == 61);
    CHECK(differs->actual["ttl"] == 60);
    CHECK_THAT(differs->detail, Catch::Contains("PRECONDITION_FAILED"));
  }

  SECTION("whether a binding is there cannot be seen: a dry run says so, and an apply makes it once") {
    CHECK(ensure_all({}) == changed);
    RabbitBus other(through(proxy));
    for (const profile::Binding& binding : {profile::Binding{"e1", "q1", "k"}, {"e1", "q2", "k"}}) {
      for (int i = 0; i < 2; i++) {
        const auto dry = other.ensure_binding(binding, {"", true});
        REQUIRE(dry);
        CHECK(dry->outcome == Outcome::in_sync);
        CHECK(dry->unseen);
      }
      proxy.take_counts();
      for (const int binds : {1, 0}) {
        const auto made = other.ensure_binding(binding, {});
        REQUIRE(made);
        CHECK_FALSE(made->unseen);
        CHECK(proxy.take_counts()["bind"] == binds);
      }
      CHECK_FALSE(other.ensure_binding(binding, {"", true})->unseen);
    }
  }

  SECTION("a binding that was taken away stays away on the next connection") {
    CHECK(ensure_all({}) == changed);
    const profile::Binding unwanted{"e1", "q1", "k"};
    proxy.take_counts();
    CHECK(bus.remove_binding(unwanted, {"", true})->outcome == Outcome::changed);
    CHECK(proxy.take_counts() == Counts{{"exchange.look", 1}, {"queue.look", 1}});
    CHECK(bus.remove_binding(unwanted, {})->outcome == Outcome::changed);
    CHECK(proxy.take_counts() == Counts{{"exchange.look", 1}, {"queue.look", 1}, {"unbind", 1}});
    proxy.cut();
    CHECK(eventually([&] { return bool(bus.publish("k", "x", "")); }));
    CHECK(proxy.take_counts()["bind"] == 2);
    const auto sent = bus.publish_many({{"e1", "k", "x", "", true}, {"e2", "k", "x", "", true}});
    CHECK(sent[0].error().code == "bus.unrouted");
    CHECK(sent[1]);
    AmqpStranger(rabbit().port()).delete_queue("q1");
    CHECK(bus.remove_binding(unwanted, {})->outcome == Outcome::in_sync);
  }

  SECTION("a queue that is somebody's own is incompatible") {
    AmqpStranger stranger(rabbit().port());
    stranger.make_exclusive_queue("locked");
    const auto locked = bus.ensure_queue({"locked"}, {});
    REQUIRE(locked);
    CHECK(locked->outcome == Outcome::incompatible);
    CHECK_THAT(locked->detail, Catch::Contains("RESOURCE_LOCKED"));
    CHECK(bus.ensure_queue({"q0"}, {}));  // The connection goes on.
  }

  SECTION("a message is persistent, and carries its key twice") {
    REQUIRE(bus.ensure_queue({"q0"}, {}));
    REQUIRE(bus.publish_to("", "q0", "{}", "cluster/7"));
    REQUIRE(bus.publish_to("", "q0", "again", "cluster/7"));
    AmqpStranger stranger(rabbit().port());
    const auto got = stranger.get("q0");
    CHECK(got.body == "{}");
    CHECK(got.message_id == "cluster/7");
    CHECK(got.key_header == "cluster/7");
    CHECK(got.content_type == "application/json");
    CHECK(got.delivery_mode == 2);
    CHECK(got.timestamp > 1'700'000'000);
    CHECK(stranger.get("q0").body.empty());
  }

  SECTION("an exchange that goes away under a publisher costs what was under way, and no more") {
    REQUIRE(bus.ensure_exchange({"e0", "fanout"}, {}));
    REQUIRE(bus.publish_to("e0", "k", "x", ""));
    AmqpStranger(rabbit().port()).delete_exchange("e0");
    const auto lost = bus.publish_to("e0", "k", "x", "key");
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == "unreachable");
    CHECK_THAT(lost.error().detail, Catch::Contains("no exchange 'e0'"));
    CHECK(bus.publish_to("e0", "k", "x", "key").error().code == "bus.unknown");
    CHECK(bus.ensure_exchange({"e0", "fanout"}, {})->outcome == Outcome::changed);
    CHECK(bus.publish_to("e0", "k", "x", "key"));
    CHECK(proxy.connections() == 1);
  }

  SECTION("a broker that is away is told at once, and used again when it is back, as it was declared") {
    Mailbox<std::string> got;
    const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m.body); });
    REQUIRE(subscription);
    CHECK(ensure_all({}) == changed);
    proxy.refusing = true;
    proxy.cut();
    {
      AmqpStranger stranger(rabbit().port());  // It comes back with nothing.
      stranger.delete_queue("q0");
      stranger.delete_exchange("e0");
      stranger.delete_exchange("muster.test");
    }
    const auto before = std::chrono::steady_clock::now();
    const auto away = bus.publish("k", "x", "key");
    REQUIRE_FALSE(away);
    CHECK(away.error().code == "unreachable");
    CHECK(bus.ensure_queue({"q0", 60, "e0"}, {}).error().code == "unreachable");
    CHECK(bus.take("q0").error().code == "unreachable");
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{2});
    proxy.refusing = false;
    CHECK(eventually([&] { return bool(bus.publish_many({{"e0", "k", "x", "key", true}}).front()); }));
    CHECK(bus.depth("q0")->messages == 1);
    CHECK(ensure_all({}) == in_sync);
    CHECK(eventually([&] { return bus.publish("k", "back", "") && !got.all().empty(); }));
  }

  SECTION("what is desired no more stays, and is not made again after a broken connection") {
    CHECK(ensure_all({}) == changed);
    bus.expect({});
    CHECK(bus.depth("q0"));
    proxy.refusing = true;
    proxy.cut();
    AmqpStranger(rabbit().port()).delete_queue("q0");
    proxy.refusing = false;
    CHECK(eventually([&] { return bool(bus.publish("k", "x", "")); }));
    CHECK(bus.depth("q0").error().code == "bus.unknown");
  }

  SECTION("a cable that nobody hears through ends in time, and what was under way may have happened") {
    CHECK(ensure_all({}) == changed);
    auto options = through(proxy);
    options.amqp.answer = options.amqp.handshake = Millis{200};
    RabbitBus hasty(options);
    REQUIRE(hasty.publish("k", "x", ""));
    proxy.deaf = true;
    const auto lost =
      hasty.publish_many({{"e0", "k", "1", "k1"}, {"e0", "k", "2", "k2"}, {"e0", "k", "3", "k3"}});
    for (const auto& status : lost) {
      REQUIRE_FALSE(status);
      CHECK(status.error().code == "unreachable");
    }
    CHECK_FALSE(hasty.publish("k", "x", ""));
    proxy.deaf = false;
    CHECK(eventually([&] { return bool(hasty.publish("k", "x", "")); }));
  }

  SECTION("a connection that is not used stays, and one that ends is noticed") {
    auto options = through(proxy);
    options.amqp.heartbeat_s = 1;
    RabbitBus idle(options);
    REQUIRE(idle.publish("k", "x", ""));
    const int before = proxy.connections();
    // Whoever was silent for two would have been left: with four each side has heard the other in between.
    CHECK(eventually([&] { return proxy.heartbeats >= 4; }));
    CHECK(proxy.connections() == before);
    proxy.cut();
    CHECK(eventually([&] { return proxy.connections() > before; }));  // Without being asked anything.
  }
}

TEST_CASE("who may not is refused, and nobody reads the password", "[S2-37]") {
  const auto refused = [](AmqpOptions options, const std::string& secret) {
    RabbitBus bus(soon(std::move(options)));
    const auto status = bus.publish("k", "x", "");
    REQUIRE_FALSE(status);
    CHECK_THAT(status.error().detail, !Catch::Contains(secret));
    CHECK_FALSE(bus.publish("k", "x", ""));
    return status.error();
  };
  auto options = rabbit().options();
  SECTION("a wrong password") {
    options.url.password = "s3cr3t-word";
    const auto error = refused(options, "s3cr3t-word");
    CHECK(error.code == "backend.refused");
    CHECK_THAT(error.detail, Catch::Contains("ACCESS_REFUSED"));
  }
  SECTION("a vhost that is not there, or not open to this user") {
    options.url.vhost = "nowhere";
    CHECK(refused(options, "let-me-read").code == "backend.refused");
    options.url = *parse_amqp_url("amqp://reader:let-me-read@127.0.0.1:" + std::to_string(rabbit().port()) +
                                  "/other%2Fone");
    CHECK(refused(options, "let-me-read").code == "backend.refused");
    options.url = *parse_amqp_url("amqp://127.0.0.1:" + std::to_string(rabbit().port()) + "/other%2Fone");
    CHECK(RabbitBus(soon(options)).publish("k", "x", ""));
  }
  SECTION("one call of many") {
    REQUIRE(RabbitBus(soon(rabbit().options())).ensure_queue({"q0"}, {}));
    options.url.user = "reader";
    options.url.password = "let-me-read";
    RabbitBus bus(soon(options));
    CHECK(bus.depth("q0"));
    CHECK(bus.take("q0"));
    CHECK(bus.ensure_queue({"its-own"}, {}).error().code == "backend.refused");
    CHECK(bus.publish_to("amq.topic", "k", "x", "").error().code == "backend.refused");
    CHECK(bus.take("q0"));
  }
  SECTION("a certificate that names another host, and one that nobody trusts") {
    CHECK(RabbitBus(soon(rabbit().tls("localhost"))).publish("k", "x", ""));
    CHECK(refused(rabbit().tls("127.0.0.1"), "-").code == "tls.untrusted");
    auto untrusted = rabbit().tls("localhost");
    untrusted.ca_file.clear();
    CHECK(refused(untrusted, "-").code == "tls.untrusted");
    untrusted.ca_file = "/nowhere.pem";
    CHECK(refused(untrusted, "-").code == "tls.untrusted");
  }
}
