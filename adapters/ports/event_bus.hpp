// The bus port: exchanges, queues, bindings, publishing with confirms. In process by default, a broker where
// there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/profile.hpp"

namespace muster {

struct BusMessage {
  std::string exchange;
  std::string topic;  ///< The routing key.
  std::string body;
  std::string idempotency_key;
};

/// Ends when it is destroyed: no call of its callback begins afterwards, a running one is waited for. It must
/// not be destroyed inside its own callback.
class Subscription {
public:
  virtual ~Subscription() = default;
  /// Messages that were dropped because the callback was too slow.
  [[nodiscard]] virtual uint64_t dropped() const = 0;
};

struct QueueDepth {
  uint64_t messages = 0;
  uint64_t dropped = 0;  ///< The oldest go first when a queue is full.
};

/// Every call is safe from every thread. Errors: `bus.inequivalent` when something of that name exists in
/// another form, `bus.unknown` when an exchange or queue does not exist, `bus.limit`, `field.invalid`, and
/// `unreachable` for a broker that does not answer.
class EventBus {
public:
  using OnMessage = std::function<void(const BusMessage&)>;

  virtual ~EventBus() = default;

  /// Each is done once and agrees to be asked again.
  virtual Status ensure_exchange(const profile::Exchange& exchange) = 0;
  virtual Status ensure_queue(const profile::Queue& queue) = 0;
  virtual Status ensure_binding(const profile::Binding& binding) = 0;

  /// False when nothing that is published to the bus's own exchange now could reach a queue or a subscriber.
  [[nodiscard]] virtual bool wanted() const = 0;

  /// Publishes to the bus's own topic exchange; Done is the confirm. A message whose key was seen lately is
  /// confirmed and not delivered again; an empty key is never a repetition.
  virtual Status publish(std::string_view topic, std::string_view body, std::string_view idempotency_key) = 0;

  /// The same to any exchange; "" is the direct one to which every queue is bound by its name.
  virtual Status publish_to(std::string_view exchange, std::string_view topic, std::string_view body,
                            std::string_view idempotency_key) = 0;

  /// Calls back, in order and on one thread, for what is published to the bus's own exchange from now on with
  /// a topic that `pattern` matches: `*` is one word, `#` any number of them.
  virtual Result<std::unique_ptr<Subscription>> subscribe(std::string_view pattern, OnMessage callback) = 0;

  /// Takes the oldest message of a queue, acknowledging it; nothing when it is empty.
  virtual Result<std::optional<BusMessage>> take(std::string_view queue) = 0;

  virtual Result<QueueDepth> depth(std::string_view queue) = 0;
};

}  // namespace muster
