// What every bus with queues of its own must do, whatever is behind it.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "adapters/ports/event_bus.hpp"
#include "domain/broker_rules.hpp"
#include "tests/adapters/publishing_contract.hpp"
#include "tests/support/eventually.hpp"

namespace muster {

inline std::string body_of(Broker& bus, const std::string& queue) {
  const auto taken = bus.take(queue);
  REQUIRE(taken);
  return *taken ? (*taken)->body : "";
}

/// `make` returns a bus in which none of the names used here exist.
template <class Make>
void bus_contract(const Make& make) {
  const std::unique_ptr<Broker> bus = make();
  publishing_contract(*bus);

  SECTION("what is missing is made once, in another form it is incompatible and stays") {
    using environment::Outcome;
    for (const auto outcome : {Outcome::changed, Outcome::in_sync}) {
      CHECK(bus->ensure_exchange({"orders", "direct"}, {})->outcome == outcome);
      CHECK(bus->ensure_queue({"work", 60, "dead"}, {})->outcome == outcome);
      CHECK(bus->ensure_binding({"orders", "work", "new"}, {})->outcome == outcome);
    }
    const auto other = bus->ensure_exchange({"orders", "topic"}, {});
    REQUIRE(other);
    CHECK(other->outcome == Outcome::incompatible);
    CHECK(other->desired["type"] == "topic");
    CHECK_THAT(other->detail, Catch::Contains("direct"));
    for (const profile::Queue& queue : {profile::Queue{"work", 61, "dead"}, {"work", 60}}) {
      const auto longer = bus->ensure_queue(queue, {});
      REQUIRE(longer);
      CHECK(longer->outcome == Outcome::incompatible);
      CHECK_FALSE(longer->detail.empty());
    }
    CHECK(bus->ensure_queue({"work", 60, "dead"}, {})->outcome == Outcome::in_sync);
  }

  SECTION("a dry run says the same and makes nothing") {
    using environment::Outcome;
    const environment::Ask dry{"key", true};
    for (int i = 0; i < 2; i++) {
      CHECK(bus->ensure_exchange({"orders", "direct"}, dry)->outcome == Outcome::changed);
      CHECK(bus->ensure_queue({"work", 60, "dead"}, dry)->outcome == Outcome::changed);
      CHECK(bus->ensure_binding({"orders", "work", "new"}, dry)->outcome == Outcome::changed);
    }
    CHECK(bus->publish_to("orders", "new", "1", "").error().code == "bus.unknown");
    CHECK(bus->depth("work").error().code == "bus.unknown");
    CHECK(bus->ensure_exchange({"orders", "direct"}, {}));
    CHECK(bus->ensure_exchange({"orders", "fanout"}, dry)->outcome == Outcome::incompatible);
    CHECK(bus->ensure_exchange({"orders", "direct"}, dry)->outcome == Outcome::in_sync);
  }

  SECTION("a binding is taken away when it is asked for, and no other") {
    using environment::Outcome;
    const environment::Ask dry{"key", true};
    const profile::Binding gone{"orders", "work", "new"};
    CHECK(bus->remove_binding(gone, {})->outcome == Outcome::in_sync);  // Neither end is there.
    CHECK(bus->ensure_exchange({"orders", "direct"}, {}));
    CHECK(bus->remove_binding(gone, {})->outcome == Outcome::in_sync);
    for (const auto* queue : {"work", "all"}) {
      CHECK(bus->ensure_queue({queue}, {}));
      CHECK(bus->ensure_binding({"orders", queue, "new"}, {}));
    }
    CHECK(bus->ensure_binding({"orders", "work", "old"}, {}));
    const auto would = bus->remove_binding(gone, dry);
    REQUIRE(would);
    CHECK(would->outcome == Outcome::changed);
    CHECK_THAT(would->detail, Catch::Contains("would be removed"));
    CHECK(bus->publish_to("orders", "new", "1", ""));
    CHECK(bus->depth("work")->messages == 1);

    const auto removed = bus->remove_binding(gone, {});
    REQUIRE(removed);
    CHECK(removed->outcome == Outcome::changed);
    CHECK(removed->actual["key"] == "new");
    CHECK(bus->publish_to("orders", "new", "2", ""));
    CHECK(bus->depth("work")->messages == 1);
    CHECK(bus->depth("all")->messages == 2);
    CHECK(bus->publish_to("orders", "old", "3", ""));
    CHECK(bus->depth("work")->messages == 2);

    CHECK(bus->remove_binding(gone, {}));  // It is no error that it is gone.
    CHECK(bus->ensure_binding(gone, {}));
    CHECK(bus->publish_to("orders", "new", "4", ""));
    CHECK(bus->depth("work")->messages == 3);
    CHECK(bus->remove_binding({"", "work", "new"}, {}).error().code == "field.invalid");
  }

  SECTION("what no broker takes is refused by name") {
    for (const auto& exchange : {profile::Exchange{"odd", "headers"},
                                 {"", "topic"},
                                 {"amq.own", "topic"},
                                 {std::string(256, 'x'), "topic"}})
      CHECK(bus->ensure_exchange(exchange, {}).error().code == "field.invalid");
    for (const auto& queue : {profile::Queue{""},
                              {"amq.own"},
                              {"work", -1},
                              {"work", profile::kMaxTtl + 1},
                              {"work", 0, std::string(256, 'x')}})
      CHECK(bus->ensure_queue(queue, {}).error().code == "field.invalid");
    CHECK(bus->ensure_binding({"", "work", "k"}, {}).error().code == "field.invalid");
  }

  SECTION("a binding needs its exchange and its queue, publishing needs its exchange") {
    CHECK(bus->ensure_queue({"work"}, {}));
    CHECK(bus->ensure_binding({"nowhere", "work", "k"}, {}).error().code == "bus.unknown");
    CHECK(bus->ensure_binding({"amq.topic", "nothing", "k"}, {}).error().code == "bus.unknown");
    CHECK(bus->publish_to("nowhere", "k", "x", "").error().code == "bus.unknown");
    CHECK(bus->take("nothing").error().code == "bus.unknown");
    CHECK(bus->ensure_queue({"work"}, {}));  // What was refused broke nothing.
  }

  SECTION("many messages are confirmed one by one, in order, whatever is among them") {
    CHECK(bus->ensure_queue({"work"}, {}));
    std::vector<BusMessage> messages;
    for (int i = 0; i < 300; i++)
      messages.push_back({"", "work", std::to_string(i), "many-" + std::to_string(i)});
    messages[100].exchange = "nowhere";
    messages[200].idempotency_key = "many-199";
    const auto statuses = bus->publish_many(messages);
    REQUIRE(statuses.size() == 300);
    CHECK(std::count_if(statuses.begin(), statuses.end(),
                        [](const Status& status) { return bool(status); }) == 299);
    CHECK(statuses[100].error().code == "bus.unknown");
    CHECK(bus->depth("work")->messages == 298);
    for (int i = 0; i < 300; i++)
      if (i != 100 && i != 200) REQUIRE(body_of(*bus, "work") == std::to_string(i));
    CHECK(bus->publish_many({}).empty());
  }

  SECTION("a message that is required must find a queue, and is taken as it was published") {
    CHECK(bus->ensure_exchange({"orders", "direct"}, {}));
    CHECK(bus->ensure_queue({"work"}, {}));
    CHECK(bus->ensure_binding({"orders", "work", "new"}, {}));
    const BusMessage routed{"orders", "new", "1", "r-1", true}, lost{"orders", "old", "2", "r-2", true};
    const auto statuses = bus->publish_many({lost, routed, lost});
    CHECK(statuses[0].error().code == "bus.unrouted");
    CHECK(statuses[1]);
    CHECK(statuses[2].error().code == "bus.unrouted");
    const auto taken = bus->take("work");
    REQUIRE(taken);
    REQUIRE(*taken);
    CHECK((*taken)->exchange == "orders");
    CHECK((*taken)->topic == "new");
    CHECK((*taken)->idempotency_key == "r-1");
  }

  SECTION("what expires goes to the dead letters") {
    CHECK(bus->ensure_exchange({"dlx", "fanout"}, {}));
    CHECK(bus->ensure_queue({"dead"}, {}));
    CHECK(bus->ensure_binding({"dlx", "dead", ""}, {}));
    CHECK(bus->ensure_queue({"brief", 1, "dlx"}, {}));
    CHECK(bus->publish_to("", "brief", "x", ""));
    CHECK(eventually([&] { return bus->depth("dead")->messages == 1; }));
    CHECK(bus->depth("brief")->messages == 0);
    CHECK(body_of(*bus, "dead") == "x");
  }

  SECTION("many threads publish at once, and nothing is lost") {
    CHECK(bus->ensure_queue({"work"}, {}));
    std::atomic<int> confirmed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; i++)
          if (bus->publish_to("", "work", "x", std::to_string(t * 1000 + i))) confirmed++;
      });
    for (auto& thread : threads) thread.join();
    CHECK(confirmed == 200);
    CHECK(bus->depth("work")->messages == 200);
  }

  SECTION("a direct exchange delivers by the exact key, once to each queue, in order") {
    CHECK(bus->ensure_exchange({"orders", "direct"}, {}));
    CHECK(bus->ensure_queue({"work"}, {}));
    CHECK(bus->ensure_binding({"orders", "work", "new"}, {}));
    CHECK(bus->ensure_binding({"orders", "work", "*"}, {}));
    CHECK(bus->publish_to("orders", "new", "1", ""));
    CHECK(bus->publish_to("orders", "new", "2", ""));
    CHECK(bus->publish_to("orders", "old", "3", ""));
    CHECK(bus->depth("work")->messages == 2);
    CHECK(body_of(*bus, "work") == "1");
    CHECK(body_of(*bus, "work") == "2");
    CHECK(body_of(*bus, "work").empty());
  }

  SECTION("a topic exchange delivers by pattern, and one copy to a queue bound twice") {
    CHECK(bus->ensure_exchange({"news", "topic"}, {}));
    for (const auto* queue : {"all", "ok", "none"}) CHECK(bus->ensure_queue({queue}, {}));
    CHECK(bus->ensure_binding({"news", "all", "overlay.#"}, {}));
    CHECK(bus->ensure_binding({"news", "all", "#"}, {}));
    CHECK(bus->ensure_binding({"news", "ok", "overlay.bootstrap.*.ok"}, {}));
    CHECK(bus->ensure_binding({"news", "none", "overlay.*"}, {}));
    CHECK(bus->publish_to("news", "overlay.bootstrap.storage.ok", "x", ""));
    CHECK(bus->depth("all")->messages == 1);
    CHECK(bus->depth("ok")->messages == 1);
    CHECK(bus->depth("none")->messages == 0);
  }

  SECTION("a fanout exchange delivers to every queue, and the nameless one by queue name") {
    CHECK(bus->ensure_exchange({"loud", "fanout"}, {}));
    for (const auto* queue : {"a", "b"}) {
      CHECK(bus->ensure_queue({queue}, {}));
      CHECK(bus->ensure_binding({"loud", queue, ""}, {}));
    }
    CHECK(bus->publish_to("loud", "whatever", "x", ""));
    CHECK(bus->publish_to("", "b", "y", ""));
    CHECK(bus->depth("a")->messages == 1);
    CHECK(bus->depth("b")->messages == 2);
  }

  SECTION("an idempotency key is delivered once and confirmed every time") {
    CHECK(bus->ensure_queue({"work"}, {}));
    for (int i = 0; i < 3; i++) CHECK(bus->publish_to("", "work", "x", "key-1"));
    for (int i = 0; i < 2; i++) CHECK(bus->publish_to("", "work", "y", ""));
    CHECK(bus->publish_to("", "work", "z", "key-2"));
    CHECK(bus->depth("work")->messages == 4);
  }

  SECTION("a publish that was refused may be repeated with its key") {
    CHECK_FALSE(bus->publish_to("later", "k", "x", "key-3"));
    CHECK(bus->ensure_exchange({"later", "fanout"}, {}));
    CHECK(bus->ensure_queue({"work"}, {}));
    CHECK(bus->ensure_binding({"later", "work", ""}, {}));
    CHECK(bus->publish_to("later", "k", "x", "key-3"));
    CHECK(bus->depth("work")->messages == 1);
  }

  SECTION("a body is bytes, kept as they are") {
    const std::string bytes("\0\xff{}\n", 5);
    CHECK(bus->ensure_queue({"work"}, {}));
    CHECK(bus->publish_to("", "work", bytes, ""));
    CHECK(body_of(*bus, "work") == bytes);
  }
}

}  // namespace muster
