// Who listens to a bus, so many at once; how a subscription begins and ends is the same for every bus.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/ports/event_bus.hpp"
#include "domain/broker_rules.hpp"

namespace muster {

/// A Listener has stop(), after which no callback begins, and dropped(). One thread at a time.
template <class Listener>
class Subscribers {
public:
  explicit Subscribers(size_t most) : most_(most) {}

  /// What `start` makes, a Result of a shared Listener, is stopped when the subscription is destroyed.
  /// Errors: `field.invalid` for a pattern that is too long, `bus.limit`, and those of `start`.
  template <class Start>
  Result<std::unique_ptr<Subscription>> add(std::string_view pattern, const Start& start) {
    if (pattern.size() > broker::kMaxName)
      return Error{"field.invalid", "a pattern has at most " + std::to_string(broker::kMaxName) + " bytes"};
    std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
    if (listeners_.size() >= most_)
      return Error{"bus.limit", "the bus has " + std::to_string(most_) + " subscriptions already"};
    Result<std::shared_ptr<Listener>> listener = start();
    if (!listener) return listener.error();
    listeners_.push_back(*listener);
    return std::unique_ptr<Subscription>(std::make_unique<Subscribed>(std::move(*listener)));
  }

  template <class Visit>
  void each(const Visit& visit) const {
    for (const auto& weak : listeners_)
      if (const auto listener = weak.lock()) visit(*listener);
  }

private:
  class Subscribed : public Subscription {
  public:
    explicit Subscribed(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
    ~Subscribed() override { listener_->stop(); }
    [[nodiscard]] uint64_t dropped() const override { return listener_->dropped(); }

  private:
    std::shared_ptr<Listener> listener_;
  };

  const size_t most_;
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace muster
