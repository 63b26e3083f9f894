// What is expected of a broker, and was not looked at yet on this connection.
#pragma once

#include <atomic>
#include <chrono>
#include <set>
#include <string>

#include "base/time.hpp"
#include "domain/broker_rules.hpp"
#include "domain/profile.hpp"

namespace muster {

/// While something of it is owed, a message would miss the queue that is to get it. All of it is owed anew on
/// each connection: the broker may have come back with nothing. One thread at a time.
class Expectations {
public:
  /// How long it may take, from now, until it is said what is expected; and from connecting until all of it
  /// was looked at. Then nobody waits any longer.
  Expectations(Millis said_within, Millis seen_within)
    : seen_within_(seen_within), wait_until_(Clock::now() + said_within) {}

  /// The profile's exchanges, queues and bindings, and nothing else, from now on: each is looked at next.
  void expect(const profile::Profile& profile) {
    expected_.clear();
    for (const auto& each : profile.exchanges) add(each);
    for (const auto& each : profile.queues) add(each);
    for (const auto& each : profile.bindings) add(each);
    said_ = true;
    begun_ = 0;
    begin();
    look_due_ = false;
  }
  /// The connection is a new one, or what was seen on it is gone. After kMostBegun in a row that came to
  /// nothing nobody waits any longer, either: something may break each connection.
  void begin() {
    if (!said_) return;
    owe();
    wait_until_ = Clock::now() + (++begun_ > kMostBegun ? Millis{0} : seen_within_);
    look_due_ = !settled_;
  }
  /// There is no connection.
  void end() {
    if (!said_) return;
    owe();
    wait_until_ = Clock::time_point::max();
  }
  /// It is there, or cannot be made.
  template <class Thing>
  void settle(const Thing& thing) {
    if (owed_.erase(name_of(thing)) == 0 || !owed_.empty()) return;
    settled_ = true;
    begun_ = 0;
  }

  // Any thread.

  [[nodiscard]] bool settled() const { return settled_ || Clock::now() >= wait_until_.load(); }
  /// True once each time that it is owed and nobody looks yet.
  bool look_due() { return !settled_ && look_due_.exchange(false); }

private:
  using Clock = std::chrono::steady_clock;
  static constexpr unsigned kMostBegun = 20;

  static std::string name_of(const profile::Exchange& exchange) { return "exchange " + exchange.name; }
  static std::string name_of(const profile::Queue& queue) { return "queue " + queue.name; }
  static std::string name_of(const profile::Binding& binding) {
    return "binding " + binding.exchange + '\n' + binding.queue + '\n' + binding.key;
  }
  void owe() {
    owed_ = expected_;
    settled_ = owed_.empty();
  }
  template <class Thing>
  void add(const Thing& thing) {
    if (broker::check(thing)) expected_.insert(name_of(thing));  // Others are not made anyway.
  }

  const Millis seen_within_;
  bool said_ = false;
  unsigned begun_ = 0;
  std::set<std::string> expected_, owed_;
  std::atomic<bool> settled_{false}, look_due_{false};
  std::atomic<Clock::time_point> wait_until_;
};

}  // namespace muster
