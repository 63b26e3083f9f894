// What every bus must do, whatever is behind it.
#pragma once

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "adapters/ports/event_bus.hpp"
#include "tests/adapters/wait.hpp"

namespace muster {

inline std::string body_of(EventBus& bus, const std::string& queue) {
  const auto taken = bus.take(queue);
  REQUIRE(taken);
  return *taken ? (*taken)->body : "";
}

/// `make` returns a bus in which none of the names used here exist.
template <class Make>
void bus_contract(const Make& make) {
  const std::unique_ptr<EventBus> bus = make();

  SECTION("declaring twice is fine, declaring otherwise is refused") {
    for (int i = 0; i < 2; i++) {
      CHECK(bus->ensure_exchange({"orders", "direct"}));
      CHECK(bus->ensure_queue({"work", 60, "dead"}));
      CHECK(bus->ensure_binding({"orders", "work", "new"}));
    }
    CHECK(bus->ensure_exchange({"orders", "topic"}).error().code == "bus.inequivalent");
    CHECK(bus->ensure_queue({"work", 61, "dead"}).error().code == "bus.inequivalent");
    CHECK(bus->ensure_exchange({"odd", "headers"}).error().code == "field.invalid");
  }

  SECTION("a binding needs its exchange and its queue, publishing needs its exchange") {
    CHECK(bus->ensure_queue({"work"}));
    CHECK(bus->ensure_binding({"nowhere", "work", "k"}).error().code == "bus.unknown");
    CHECK(bus->ensure_binding({"amq.topic", "nothing", "k"}).error().code == "bus.unknown");
    CHECK(bus->publish_to("nowhere", "k", "x", "").error().code == "bus.unknown");
    CHECK(bus->take("nothing").error().code == "bus.unknown");
  }

  SECTION("a direct exchange delivers by the exact key, once to each queue, in order") {
    CHECK(bus->ensure_exchange({"orders", "direct"}));
    CHECK(bus->ensure_queue({"work"}));
    CHECK(bus->ensure_binding({"orders", "work", "new"}));
    CHECK(bus->ensure_binding({"orders", "work", "*"}));
    CHECK(bus->publish_to("orders", "new", "1", ""));
    CHECK(bus->publish_to("orders", "new", "2", ""));
    CHECK(bus->publish_to("orders", "old", "3", ""));
    CHECK(bus->depth("work")->messages == 2);
    CHECK(body_of(*bus, "work") == "1");
    CHECK(body_of(*bus, "work") == "2");
    CHECK(body_of(*bus, "work").empty());
  }

  SECTION("a topic exchange delivers by pattern, and one copy to a queue bound twice") {
    CHECK(bus->ensure_exchange({"news", "topic"}));
    for (const auto* queue : {"all", "ok", "none"}) CHECK(bus->ensure_queue({queue}));
    CHECK(bus->ensure_binding({"news", "all", "overlay.#"}));
    CHECK(bus->ensure_binding({"news", "all", "#"}));
    CHECK(bus->ensure_binding({"news", "ok", "overlay.bootstrap.*.ok"}));
    CHECK(bus->ensure_binding({"news", "none", "overlay.*"}));
    CHECK(bus->publish_to("news", "overlay.bootstrap.storage.ok", "x", ""));
    CHECK(bus->depth("all")->messages == 1);
    CHECK(bus->depth("ok")->messages == 1);
    CHECK(bus->depth("none")->messages == 0);
  }

  SECTION("a fanout exchange delivers to every queue, and the nameless one by queue name") {
    CHECK(bus->ensure_exchange({"loud", "fanout"}));
    for (const auto* queue : {"a", "b"}) {
      CHECK(bus->ensure_queue({queue}));
      CHECK(bus->ensure_binding({"loud", queue, ""}));
    }
    CHECK(bus->publish_to("loud", "whatever", "x", ""));
    CHECK(bus->publish_to("", "b", "y", ""));
    CHECK(bus->depth("a")->messages == 1);
    CHECK(bus->depth("b")->messages == 2);
  }

  SECTION("a message nobody is bound for is confirmed and gone") {
    CHECK(bus->publish("overlay.nobody", "x", ""));
  }

  SECTION("an idempotency key is delivered once and confirmed every time") {
    CHECK(bus->ensure_queue({"work"}));
    for (int i = 0; i < 3; i++) CHECK(bus->publish_to("", "work", "x", "key-1"));
    for (int i = 0; i < 2; i++) CHECK(bus->publish_to("", "work", "y", ""));
    CHECK(bus->publish_to("", "work", "z", "key-2"));
    CHECK(bus->depth("work")->messages == 4);
  }

  SECTION("a publish that was refused may be repeated with its key") {
    CHECK_FALSE(bus->publish_to("later", "k", "x", "key-3"));
    CHECK(bus->ensure_exchange({"later", "fanout"}));
    CHECK(bus->ensure_queue({"work"}));
    CHECK(bus->ensure_binding({"later", "work", ""}));
    CHECK(bus->publish_to("later", "k", "x", "key-3"));
    CHECK(bus->depth("work")->messages == 1);
  }

  SECTION("a subscriber gets what matches its pattern, in order, until it ends") {
    Mailbox<std::string> got;
    {
      const auto subscription =
        bus->subscribe("overlay.*", [&](const BusMessage& m) { got.put(m.topic + "=" + m.body); });
      REQUIRE(subscription);
      CHECK(bus->publish("overlay.register", "1", ""));
      CHECK(bus->publish("overlay.bootstrap.index.ok", "2", ""));
      CHECK(bus->publish("overlay.leader", "3", ""));
      REQUIRE(got.wait_for_size(2));
      CHECK((*subscription)->dropped() == 0);
    }
    CHECK(bus->publish("overlay.leader", "4", ""));
    CHECK(got.all() == std::vector<std::string>{"overlay.register=1", "overlay.leader=3"});
  }

  SECTION("a body is bytes, kept as they are") {
    const std::string bytes("\0\xff{}\n", 5);
    CHECK(bus->ensure_queue({"work"}));
    CHECK(bus->publish_to("", "work", bytes, ""));
    CHECK(body_of(*bus, "work") == bytes);
  }
}

}  // namespace muster
