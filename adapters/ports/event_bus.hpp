// The bus ports: publishing with confirms, which every bus can do; and exchanges, queues and bindings, which
// a broker has. In process by default, a server where there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster {

struct BusMessage {
  std::string exchange;
  std::string topic;  ///< The routing key.
  std::string body{};
  std::string idempotency_key{};
  bool required = false;  ///< That no queue takes it is an error, not a message less.
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

/// Every call is safe from every thread. Errors: `bus.unknown` when an exchange or queue does not exist,
/// `bus.unrouted`, `bus.limit`, `field.invalid`; of the in-process bus `log.unwritable`; of a broker
/// `unreachable` (away, or no answer in time), `tls.untrusted`, `backend.refused` (credentials are never in
/// the text) and `backend.reply`. A broker that is away is told at once: who wants to wait asks again.
class EventBus {
public:
  using OnMessage = std::function<void(const BusMessage&)>;

  virtual ~EventBus() = default;

  /// The bus's own topic exchange.
  [[nodiscard]] virtual const std::string& exchange() const = 0;

  /// False when nothing that is published to the bus's own exchange now could reach a queue or a subscriber.
  [[nodiscard]] virtual bool wanted() const = 0;

  /// False while what is expected of it may be missing, and a message would miss a queue that is to be made:
  /// what is published meanwhile is not taken.
  [[nodiscard]] virtual bool ready() const { return true; }

  /// Publishes in order, many at once under way; one status for each message, Done is its confirm: it will
  /// survive a restart where it has to. A message whose key was confirmed lately is confirmed and not
  /// delivered again; an empty key is never a repetition. Exchange "" is the direct one to which every queue
  /// is bound by its name.
  virtual std::vector<Status> publish_many(const std::vector<BusMessage>& messages) = 0;

  /// One of them.
  Status publish_to(std::string_view exchange, std::string_view topic, std::string_view body,
                    std::string_view idempotency_key) {
    return std::move(publish_many({BusMessage{std::string(exchange), std::string(topic), std::string(body),
                                              std::string(idempotency_key)}})
                       .front());
  }
  /// To the bus's own exchange.
  Status publish(std::string_view topic, std::string_view body, std::string_view idempotency_key) {
    return publish_to(exchange(), topic, body, idempotency_key);
  }

  /// Calls back, in order and on one thread, for what is published to the bus's own exchange from now on with
  /// a topic that `pattern` matches: `*` is one word, `#` any number of them.
  virtual Result<std::unique_ptr<Subscription>> subscribe(std::string_view pattern, OnMessage callback) = 0;
};

/// A bus with exchanges, queues and bindings of its own, that a profile's are made in.
class Broker : public EventBus {
public:
  /// Each looks first, makes what is missing, and writes nothing when it is there; something of that name in
  /// another form is incompatible and stays as it is. Exchanges first, then queues, then bindings: in a dry
  /// run a binding whose ends are missing would be made. `ask.key` has no place in what a broker is told
  /// here.
  virtual Result<environment::Ensured> ensure_exchange(const profile::Exchange& exchange,
                                                       const environment::Ask& ask) = 0;
  virtual Result<environment::Ensured> ensure_queue(const profile::Queue& queue,
                                                    const environment::Ask& ask) = 0;
  virtual Result<environment::Ensured> ensure_binding(const profile::Binding& binding,
                                                      const environment::Ask& ask) = 0;

  /// A binding that muster added is not there; a person asked for it (backends contract, section 6). With an
  /// end missing there is none. Where it cannot be seen it is `changed` while both ends are there.
  virtual Result<environment::Ensured> remove_binding(const profile::Binding& binding,
                                                      const environment::Ask& ask) = 0;

  /// Where more is told of the broker than the bus can see by itself; empty: nowhere.
  [[nodiscard]] virtual std::string management() const { return {}; }
  /// A look begins: what is told there counts for all that follows. After an error nothing of it does.
  virtual Status look() { return Done{}; }
  /// Ends the look that is under way, and every later one, at once; from any thread.
  virtual void cancel() {}

  /// What is desired from now on, and ensured next: nothing else of what was ensured before is made again by
  /// itself, as after a broken connection.
  virtual void expect(const profile::Profile&) {}

  /// Takes the oldest message of a queue, acknowledging it; nothing when it is empty.
  virtual Result<std::optional<BusMessage>> take(std::string_view queue) = 0;

  virtual Result<QueueDepth> depth(std::string_view queue) = 0;
};

}  // namespace muster
