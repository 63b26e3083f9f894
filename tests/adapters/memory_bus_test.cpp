// Shows the bus inside the process under the contract of every bus.
#include "adapters/memory_bus.hpp"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "adapters/topic.hpp"
#include "tests/adapters/bus_contract.hpp"

using namespace muster;

TEST_CASE("the in-process bus keeps the bus's contract", "[S1-12][S2-70][S2-71][S2-72]") {
  bus_contract([] { return std::make_unique<MemoryBus>(); });
}

TEST_CASE("a star is one word, a hash any number of them") {
  const std::pair<const char*, const char*> yes[] = {
    {"a.b", "a.b"},       {"a.*", "a.b"},   {"#", "a.b.c"}, {"#", ""},
    {"a.#", "a"},         {"a.#", "a.b"},   {"#.c", "c"},   {"#.c", "a.c.c"},
    {"a.#.d", "a.b.c.d"}, {"*.#.*", "a.b"}, {"#.#", "a"},   {"a.#.b.#.c", "a.x.b.b.y.c"}};
  for (const auto& [pattern, topic] : yes) {
    CAPTURE(pattern, topic);
    CHECK(topic_matches(pattern, topic));
  }
  const std::pair<const char*, const char*> no[] = {{"a.b", "a.bc"}, {"a.*", "a"},   {"a.*", "a.b.c"},
                                                    {"*", "a.b"},    {"#.c", "c.d"}, {"*.#.*", "a"},
                                                    {"a*", "ab"}};
  for (const auto& [pattern, topic] : no) {
    CAPTURE(pattern, topic);
    CHECK_FALSE(topic_matches(pattern, topic));
  }
}

TEST_CASE("the bus says whether anything published could reach anybody") {
  MemoryBus bus("events");
  CHECK_FALSE(bus.wanted());
  REQUIRE(bus.ensure_exchange({"other", "topic"}, {}));
  REQUIRE(bus.ensure_queue({"work"}, {}));
  REQUIRE(bus.ensure_binding({"other", "work", "#"}, {}));
  CHECK_FALSE(bus.wanted());  // Bound to another exchange.
  SECTION("a binding") {
    REQUIRE(bus.ensure_binding({"events", "work", "#"}, {}));
  }
  SECTION("a subscriber") {
    REQUIRE(bus.subscribe("#", [](const BusMessage&) {}));
  }
  CHECK(bus.wanted());
}

TEST_CASE("a full queue drops its oldest message, counts it, and hands it to the dead letters", "[S2-70]") {
  MemoryBusLimits limits;
  limits.queue_messages = 3;
  MemoryBus bus("events", limits);
  REQUIRE(bus.ensure_exchange({"dlx", "fanout"}, {}));
  REQUIRE(bus.ensure_queue({"dead"}, {}));
  REQUIRE(bus.ensure_binding({"dlx", "dead", ""}, {}));
  REQUIRE(bus.ensure_queue({"work", 0, "dlx"}, {}));
  for (const auto* body : {"1", "2", "3", "4", "5"}) REQUIRE(bus.publish_to("", "work", body, ""));
  CHECK(bus.depth("work")->messages == 3);
  CHECK(bus.depth("work")->dropped == 2);
  CHECK(body_of(bus, "work") == "3");
  CHECK(body_of(bus, "dead") == "1");
  CHECK(body_of(bus, "dead") == "2");
}

TEST_CASE("a queue is bounded by bytes too, and a message by its own limit") {
  MemoryBusLimits limits;
  limits.queue_bytes = 10;
  limits.message_bytes = 8;
  MemoryBus bus("events", limits);
  REQUIRE(bus.ensure_queue({"work"}, {}));
  REQUIRE(bus.publish_to("", "work", "12345678", ""));
  REQUIRE(bus.publish_to("", "work", "abcdefgh", ""));
  CHECK(bus.depth("work")->messages == 1);
  CHECK(bus.publish_to("", "work", "123456789", "").error().code == "bus.limit");
}

TEST_CASE("a message past its queue's ttl goes to the dead letters", "[S2-70]") {
  Time now{Millis{1'000'000}};
  MemoryBus bus("events", {}, [&] { return now; });
  REQUIRE(bus.ensure_queue({"dead"}, {}));
  REQUIRE(bus.ensure_exchange({"dlx", "direct"}, {}));
  REQUIRE(bus.ensure_binding({"dlx", "dead", "work"}, {}));
  REQUIRE(bus.ensure_queue({"work", 60, "dlx"}, {}));
  REQUIRE(bus.publish_to("", "work", "x", ""));
  now += std::chrono::seconds{59};
  CHECK(bus.depth("work")->messages == 1);
  now += std::chrono::seconds{1};
  CHECK(body_of(bus, "dead") == "x");
  CHECK(bus.depth("work")->messages == 0);
  CHECK(bus.depth("work")->dropped == 0);
}

TEST_CASE("dead letters that lead in a circle end") {
  MemoryBusLimits limits;
  limits.queue_messages = 1;
  MemoryBus bus("events", limits);
  REQUIRE(bus.ensure_exchange({"round", "fanout"}, {}));
  REQUIRE(bus.ensure_queue({"work", 0, "round"}, {}));
  REQUIRE(bus.ensure_binding({"round", "work", ""}, {}));
  for (int i = 0; i < 20; i++) REQUIRE(bus.publish_to("round", "k", std::to_string(i), ""));
  CHECK(bus.depth("work")->messages == 1);
}

TEST_CASE("an idempotency key is forgotten after the window, not before", "[S2-72]") {
  MemoryBusLimits limits;
  limits.remembered_keys = 2;
  MemoryBus bus("events", limits);
  REQUIRE(bus.ensure_queue({"work"}, {}));
  for (const auto* key : {"a", "b", "a", "c", "a"}) REQUIRE(bus.publish_to("", "work", key, key));
  CHECK(bus.depth("work")->messages == 4);
}

TEST_CASE("the bus has room for all that the largest profile names, and for another one's after it") {
  MemoryBus bus;
  for (size_t i = 0; i < 2 * profile::kMaxEntries; i++) {
    const auto name = std::to_string(i);
    REQUIRE(bus.ensure_exchange({name, "fanout"}, {}));
    REQUIRE(bus.ensure_queue({name}, {}));
    REQUIRE(bus.ensure_binding({name, name}, {}));
  }
}

TEST_CASE("exchanges, queues, bindings and subscriptions are bounded") {
  MemoryBusLimits limits;
  limits.exchanges = 6;
  limits.queues = limits.bindings = limits.subscriptions = 1;
  MemoryBus bus("events", limits);
  CHECK(bus.ensure_exchange({"x", "topic"}, {}));
  CHECK(bus.ensure_exchange({"y", "topic"}, {}).error().code == "bus.limit");
  CHECK(bus.ensure_queue({"q"}, {}));
  CHECK(bus.ensure_queue({"r"}, {}).error().code == "bus.limit");
  CHECK(bus.ensure_binding({"x", "q", "a"}, {}));
  CHECK(bus.ensure_binding({"x", "q", "a"}, {}));
  CHECK(bus.ensure_binding({"x", "q", "b"}, {}).error().code == "bus.limit");
  {
    const auto first = bus.subscribe("#", [](const BusMessage&) {});
    CHECK(first);
    CHECK(bus.subscribe("#", [](const BusMessage&) {}).error().code == "bus.limit");
  }
  CHECK(bus.subscribe("#", [](const BusMessage&) {}));
}

TEST_CASE("a slow subscriber loses its oldest messages and delays nobody") {
  MemoryBusLimits limits;
  limits.queue_messages = 2;
  MemoryBus bus("events", limits);
  Mailbox<int> gate;
  Mailbox<std::string> entered, slow, fast;
  const auto stuck = bus.subscribe("#", [&](const BusMessage& m) {
    entered.put(m.body);
    gate.wait_for_size(1);
    slow.put(m.body);
  });
  REQUIRE(stuck);
  REQUIRE(bus.publish("t", "1", ""));
  REQUIRE(entered.wait_for_size(1));
  for (const auto* body : {"2", "3", "4", "5"}) REQUIRE(bus.publish("t", body, ""));
  CHECK((*stuck)->dropped() == 2);
  gate.put(1);
  REQUIRE(slow.wait_for_size(3));
  CHECK(slow.all() == std::vector<std::string>{"1", "4", "5"});
}

TEST_CASE("a subscriber may publish, and may outlive the bus") {
  Mailbox<std::string> got;
  auto bus = std::make_unique<MemoryBus>();
  auto subscription = bus->subscribe("#", [&](const BusMessage& m) {
    got.put(m.topic);
    if (m.topic == "ping") (void)bus->publish("pong", "", "");
  });
  REQUIRE(subscription);
  REQUIRE(bus->publish("ping", "", ""));
  REQUIRE(got.wait_for_size(2));
  bus.reset();
  CHECK((*subscription)->dropped() == 0);
}
