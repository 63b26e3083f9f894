// What every bus must do, with queues of its own or without: publishing, and telling who subscribed.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "adapters/ports/event_bus.hpp"
#include "tests/adapters/wait.hpp"

namespace muster {

/// On a bus that nobody else publishes to. What must not arrive is shown by what was published after it and
/// did.
inline void publishing_contract(EventBus& bus) {
  SECTION("what no bus takes is refused by name") {
    CHECK(bus.publish(std::string(256, 'k'), "x", "").error().code == "field.invalid");
    CHECK(bus.publish("k", "x", std::string(256, 'k')).error().code == "field.invalid");
    CHECK(bus.publish("k", std::string(1024 * 1024 + 1, 'x'), "").error().code == "bus.limit");
    CHECK(bus.publish_to("nowhere", "k", "x", "").error().code == "bus.unknown");
    CHECK(bus.publish("k", std::string(1024 * 1024, 'x'), ""));
  }

  SECTION("a message nobody listens for is confirmed and gone") {
    CHECK(bus.publish("overlay.nobody", "x", ""));
    CHECK(bus.publish_many({}).empty());
  }

  SECTION("a subscriber gets what matches its pattern, in order, until it ends") {
    Mailbox<std::string> got;
    {
      const auto subscription =
        bus.subscribe("overlay.*", [&](const BusMessage& m) { got.put(m.topic + "=" + m.body); });
      REQUIRE(subscription);
      CHECK(bus.publish("overlay.register", "1", ""));
      CHECK(bus.publish("overlay.bootstrap.index.ok", "2", ""));
      CHECK(bus.publish("overlay.leader", "3", ""));
      REQUIRE(got.wait_for_size(2));
      CHECK((*subscription)->dropped() == 0);
    }
    CHECK(bus.publish("overlay.leader", "4", ""));
    CHECK(got.all() == std::vector<std::string>{"overlay.register=1", "overlay.leader=3"});
  }

  SECTION("a message arrives as it was published") {
    Mailbox<BusMessage> got;
    const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m); });
    REQUIRE(subscription);
    const std::string bytes("\0\xff{}\n", 5);
    CHECK(bus.publish("a.b", bytes, "cluster/1"));
    REQUIRE(got.wait_for_size(1));
    CHECK(got.all()[0].exchange == bus.exchange());
    CHECK(got.all()[0].topic == "a.b");
    CHECK(got.all()[0].body == bytes);
    CHECK(got.all()[0].idempotency_key == "cluster/1");
  }

  SECTION("many messages are confirmed one by one, and arrive in order, whatever is among them") {
    Mailbox<std::string> got;
    const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m.body); });
    REQUIRE(subscription);
    std::vector<BusMessage> messages;
    std::vector<std::string> expected;
    for (int i = 0; i < 300; i++) {
      messages.push_back({bus.exchange(), "k", std::to_string(i), "all-" + std::to_string(i)});
      if (i != 100 && i != 200) expected.push_back(std::to_string(i));
    }
    messages[100].exchange = "nowhere";
    messages[200].idempotency_key = "all-199";
    const auto statuses = bus.publish_many(messages);
    REQUIRE(statuses.size() == 300);
    CHECK(std::count_if(statuses.begin(), statuses.end(),
                        [](const Status& status) { return bool(status); }) == 299);
    CHECK(statuses[100].error().code == "bus.unknown");
    REQUIRE(got.wait_for_size(298));
    CHECK(got.all() == expected);
  }

  SECTION("a key that was confirmed is confirmed again, and delivered once") {
    Mailbox<std::string> got;
    const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m.body); });
    REQUIRE(subscription);
    for (int i = 0; i < 3; i++) CHECK(bus.publish("k", "keyed", "key-1"));
    for (int i = 0; i < 2; i++) CHECK(bus.publish("k", "none", ""));
    CHECK(bus.publish("k", "last", "key-2"));
    REQUIRE(got.wait_for_size(4));
    CHECK(got.all() == std::vector<std::string>{"keyed", "none", "none", "last"});
  }

  SECTION("many publish at once, and nothing is lost") {
    Mailbox<std::string> got;
    const auto subscription = bus.subscribe("#", [&](const BusMessage& m) { got.put(m.body); });
    REQUIRE(subscription);
    std::atomic<int> confirmed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; i++)
          if (bus.publish("k", "x", "thread-" + std::to_string(t * 1000 + i))) confirmed++;
      });
    for (auto& thread : threads) thread.join();
    CHECK(confirmed == 200);
    CHECK(got.wait_for_size(200));
  }
}

}  // namespace muster
