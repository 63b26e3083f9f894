// What every discovery must do, whatever is behind it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "adapters/ports/discovery.hpp"

namespace muster {

using Adverts = std::vector<finding::Advert>;

/// A neighbour's discovery, and a wait for what it finds: woken by its own callback.
class Watcher {
public:
  explicit Watcher(std::unique_ptr<Discovery> made) : discovery(std::move(made)) {
    discovery->on_change([this] {
      const std::lock_guard lock(mutex_);
      calls_++;
      changed_.notify_all();
    });
  }

  /// True as soon as `done` holds for what is found, false after a minute. `meanwhile` is called again and
  /// again.
  bool sees(
    const std::function<bool(const Adverts&)>& done, const std::function<void()>& meanwhile = [] {}) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (std::chrono::steady_clock::now() < deadline) {
      std::unique_lock lock(mutex_);
      const auto calls = calls_;
      lock.unlock();
      if (done(discovery->found())) return true;
      meanwhile();
      lock.lock();
      changed_.wait_for(lock, std::chrono::milliseconds{250}, [&] { return calls_ != calls; });
    }
    return false;
  }

  bool sees(
    const finding::Advert& advert, const std::function<void()>& meanwhile = [] {}) {
    return sees(
      [&](const Adverts& found) { return std::find(found.begin(), found.end(), advert) != found.end(); },
      meanwhile);
  }

  bool sees_nobody() {
    return sees([](const Adverts& found) { return found.empty(); });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t calls_ = 0;

public:
  std::unique_ptr<Discovery> discovery;  // Last: its callback is over before the rest goes.
};

inline finding::Advert searching_node(const std::string& node) {
  finding::Advert advert;
  advert.node = node;
  advert.address = "127.0.0.1:7000";
  advert.boot = "b-" + node;
  advert.created_at = Time{Millis{1'767'323'045'678}};
  return advert;
}

inline finding::Advert leading_node(const std::string& node) {
  auto advert = searching_node(node);
  advert.cluster = "c-1";
  advert.ca = "0123456789abcdef";
  advert.role = finding::Role::leader;
  advert.epoch = 7;
  advert.url = "http://127.0.0.1:8070";
  advert.bare = true;
  return advert;
}

/// `make` returns a discovery; all that it made see each other and nobody else.
template <class Make>
void discovery_contract(const Make& make) {
  SECTION("who advertises is seen with every field, and does not see itself") {
    Watcher a(make()), b(make());
    auto advert = leading_node("n\u00fc 1");
    advert.dev = true;
    CHECK(a.discovery->advertise(advert));
    CHECK(b.sees(advert));
    CHECK(b.discovery->found().size() == 1);
    CHECK(b.discovery->advertise(searching_node("n2")));
    CHECK(a.sees(searching_node("n2")));
    CHECK(a.discovery->found().size() == 1);
  }

  SECTION("several see each other") {
    Watcher a(make()), b(make()), c(make());
    for (auto* watcher : {&a, &b, &c})
      CHECK(watcher->discovery->advertise(searching_node(watcher == &a ? "a" : watcher == &b ? "b" : "c")));
    for (auto* watcher : {&a, &b, &c})
      CHECK(watcher->sees([](const Adverts& found) { return found.size() == 2; }));
    CHECK(c.discovery->found() == Adverts{searching_node("a"), searching_node("b")});
  }

  SECTION("a changed advert replaces the one before") {
    Watcher a(make()), b(make());
    CHECK(a.discovery->advertise(searching_node("n1")));
    CHECK(b.sees(searching_node("n1")));
    auto advert = leading_node("n1");
    CHECK(a.discovery->advertise(advert));
    CHECK(b.sees(advert));
    advert.epoch = 8;
    advert.role = finding::Role::member;
    advert.address = "127.0.0.1:7001";
    CHECK(a.discovery->advertise(advert));
    CHECK(b.sees(advert));
    CHECK(b.discovery->found() == Adverts{advert});
  }

  SECTION("who stops is gone soon, and may come back") {
    Watcher a(make());
    {
      Watcher b(make());
      CHECK(b.discovery->advertise(searching_node("n1")));
      CHECK(a.sees(searching_node("n1")));
    }
    CHECK(a.sees_nobody());
    Watcher again(make());
    auto advert = searching_node("n1");
    advert.boot = "another";
    CHECK(again.discovery->advertise(advert));
    CHECK(a.sees(advert));
  }

  SECTION("two that say they are one node are both seen, by their boots") {
    Watcher a(make()), b(make()), c(make());
    auto first = searching_node("n1"), second = first;
    second.boot = "z";
    CHECK(a.discovery->advertise(first));
    CHECK(b.discovery->advertise(second));
    CHECK(c.sees([&](const Adverts& found) { return found == Adverts{first, second}; }));
    CHECK(a.sees(second));
    CHECK(b.sees(first));
  }

  SECTION("who does not know its own address is seen at one") {
    Watcher a(make()), b(make());
    auto advert = leading_node("n1");
    advert.address = "0.0.0.0:7000";
    advert.url = "http://0.0.0.0:8070";
    CHECK(a.discovery->advertise(advert));
    CHECK(b.sees(leading_node("n1")));
  }

  SECTION("the longest id there may be is seen whole") {
    Watcher a(make()), b(make());
    std::string id;
    for (int i = 0; i < 128; i++) id += "\U0001f680";
    auto advert = leading_node(id);
    advert.boot = "b";
    REQUIRE(a.discovery->advertise(advert));
    CHECK(b.sees(advert));
  }

  SECTION("an advert that says nothing of use is refused with its fields") {
    const auto discovery = make();
    auto advert = leading_node("");
    advert.address = "nowhere";
    const auto status = discovery->advertise(advert);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == "field.invalid");
    CHECK(status.error().fields.size() == 2);
  }

  SECTION("a callback may ask and advertise") {
    Watcher a(make());
    const auto b = make();
    std::atomic<bool> answered{false};
    b->on_change([&] {
      if (!b->found().empty() && !answered.exchange(true)) (void)b->advertise(searching_node("n2"));
    });
    CHECK(a.discovery->advertise(searching_node("n1")));
    CHECK(a.sees(searching_node("n2")));
  }
}

}  // namespace muster
