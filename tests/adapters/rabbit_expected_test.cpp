// Shows, on a real RabbitMQ, that no message misses a queue that is still to be made.
#include <catch2/catch.hpp>

#include "adapters/rabbit_bus.hpp"
#include "tests/adapters/amqp_by_hand.hpp"
#include "tests/adapters/rabbit_server.hpp"

using namespace muster;

namespace {

RabbitServer& rabbit() {
  return RabbitServer::get(SOURCE_DIR);
}

RabbitOptions through(const AmqpProxy& proxy) {
  RabbitOptions options;
  options.amqp = rabbit().options();
  options.amqp.url.port = proxy.port();
  options.exchange = "muster.test";
  options.first_retry = Millis{20};
  options.longest_retry = Millis{100};
  return options;
}

}  // namespace

TEST_CASE("nothing is published before what is expected was looked at, on each connection anew",
          "[S2-27a][S2-40]") {
  {
    AmqpStranger stranger(rabbit().port());
    stranger.delete_queue("q0");
    stranger.delete_exchange("e0");
  }
  AmqpProxy proxy(rabbit().port());
  profile::Profile expected;
  expected.exchanges = {{"e0", "topic"}};
  expected.queues = {{"q0"}};
  expected.bindings = {{"e0", "q0", "#"}};
  RabbitBus bus(through(proxy));
  const auto look = [&](RabbitBus& at, bool dry) {
    CHECK(at.ensure_exchange(expected.exchanges[0], {"", dry}));
    CHECK(at.ensure_queue(expected.queues[0], {"", dry}));
    CHECK(at.ensure_binding(expected.bindings[0], {"", dry}));
  };
  const auto publish = [](RabbitBus& at) { return at.publish_many({{"e0", "k", "x", "", true}}).front(); };
  const auto come_back_with_nothing = [&] {
    proxy.refusing = true;
    proxy.cut();
    AmqpStranger stranger(rabbit().port());
    stranger.delete_queue("q0");
    stranger.delete_exchange("e0");
    proxy.refusing = false;
  };
  bus.expect(expected);
  CHECK_FALSE(bus.ready());
  CHECK(publish(bus).error().code == "unreachable");
  CHECK(bus.look_due());
  CHECK_FALSE(bus.look_due());
  look(bus, true);  // It would make them.
  CHECK_FALSE(bus.ready());
  look(bus, false);
  CHECK(bus.ready());
  CHECK(publish(bus));

  SECTION("what was made is made again before anything is published") {
    come_back_with_nothing();
    CHECK(eventually([&] { return bool(publish(bus)); }));
    CHECK(bus.depth("q0")->messages == 1);
  }

  SECTION("what was found there is not, and is waited for") {
    bus.expect({});
    RabbitBus other(through(proxy));
    other.expect(expected);
    look(other, true);
    CHECK_FALSE(other.ready());  // Whether it is bound was not seen.
    look(other, false);
    CHECK(publish(other));
    come_back_with_nothing();
    CHECK(eventually([&] { return other.look_due(); }));
    CHECK(publish(other).error().code == "unreachable");
    CHECK(other.depth("q0").error().code == "bus.unknown");
    look(other, false);
    CHECK(publish(other));
    CHECK(other.depth("q0")->messages == 1);
  }

  SECTION("what nobody expects any more is not waited for, and not made again") {
    bus.expect({});
    come_back_with_nothing();
    CHECK(eventually([&] { return bool(bus.publish("k", "x", "")); }));
    CHECK(bus.depth("q0").error().code == "bus.unknown");
  }

  SECTION("what cannot be made is not waited for") {
    expected.queues = {{"q0", 60}};  // It is there without.
    bus.expect(expected);
    CHECK_FALSE(bus.ready());
    look(bus, true);
    CHECK(bus.ready());
  }

  SECTION("an exchange that is gone takes its bindings along") {
    AmqpStranger(rabbit().port()).delete_exchange("e0");
    CHECK_FALSE(publish(bus));
    CHECK(publish(bus).error().code == "bus.unknown");
    CHECK(bus.look_due());
    CHECK(publish(bus).error().code == "unreachable");
    look(bus, false);
    CHECK(publish(bus));
  }

  SECTION("nobody waits for ever, to be told what is expected or for it to be looked at") {
    auto options = through(proxy);
    options.expects_within = options.ensured_within = Millis{200};
    RabbitBus hasty(options);
    CHECK_FALSE(hasty.ready());
    CHECK(publish(hasty).error().code == "unreachable");
    CHECK(eventually([&] { return bool(publish(hasty)); }));
    hasty.expect(expected);
    CHECK(publish(hasty).error().code == "unreachable");
    CHECK(eventually([&] { return bool(publish(hasty)); }));
  }
}
