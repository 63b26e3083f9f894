// The bus on RabbitMQ, or any broker of AMQP 0-9-1: one connection that is made again when it broke, and one
// for each subscriber.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/amqp_session.hpp"
#include "adapters/expectations.hpp"
#include "adapters/ports/event_bus.hpp"
#include "adapters/rabbit_management.hpp"
#include "adapters/rabbit_options.hpp"
#include "adapters/recent_keys.hpp"
#include "adapters/subscribers.hpp"

namespace muster {

class RabbitListener;

/// Nothing is connected before it is used; from then on a thread keeps the connection, and makes it again
/// when it broke, and again all that was ensured before; and while something that is expected was not ensured
/// on this connection, nothing is published. What cannot be seen over AMQP: the form of
/// a queue or exchange, but by declaring it once more, which is done once for each connection; and whether a
/// binding is there, so that it is made once for each connection, and again when one of its ends was missing.
/// What the management API lists of them, if there is one, goes before that.
class RabbitBus : public Broker {
public:
  explicit RabbitBus(RabbitOptions options);
  ~RabbitBus() override;

  Result<environment::Ensured> ensure_exchange(const profile::Exchange& exchange,
                                               const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_queue(const profile::Queue& queue,
                                            const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_binding(const profile::Binding& binding,
                                              const environment::Ask& ask) override;
  Result<environment::Ensured> remove_binding(const profile::Binding& binding,
                                              const environment::Ask& ask) override;
  [[nodiscard]] std::string management() const override { return management_ ? management_->url() : ""; }
  Status look() override;
  void cancel() override {
    if (management_) management_->cancel();
  }
  void expect(const profile::Profile& profile) override;
  [[nodiscard]] const std::string& exchange() const override { return options_.exchange; }
  [[nodiscard]] bool wanted() const override { return true; }  ///< Who knows who listens.
  [[nodiscard]] bool ready() const override { return expectations_.settled(); }
  /// True once when what is expected may be missing, as the connection is a new one: time to ensure it.
  bool look_due();
  std::vector<Status> publish_many(const std::vector<BusMessage>& messages) override;
  Result<std::unique_ptr<Subscription>> subscribe(std::string_view pattern, OnMessage callback) override;
  Result<std::optional<BusMessage>> take(std::string_view queue) override;
  Result<QueueDepth> depth(std::string_view queue) override;

private:
  using Clock = std::chrono::steady_clock;
  using Bound = RabbitListing::Bound;

  /// What this connection saw. A name is in `made` when it was missing before.
  struct Seen {
    std::map<std::string, profile::Exchange> exchanges;
    std::map<std::string, profile::Queue> queues;
    Bound bound;
    std::set<std::string> targets, made;  ///< Exchanges that are there; names with their kind in front.
    std::map<std::string, Json> forms;    ///< What was listed of one that was equal then; by such names.
  };

  Result<AmqpSession*> session();
  Status connect();
  void declare_again(AmqpSession& session);
  void broke(Error error);
  [[nodiscard]] Error away() const;
  void tend();
  template <class T>
  Result<environment::Ensured> ensure(const T& wanted, std::map<std::string, T>& equal,
                                      std::map<std::string, T>& declared, const environment::Ask& ask);
  template <class T>
  Result<environment::Ensured> ensure_on(AmqpSession& session, const T& wanted,
                                         std::map<std::string, T>& equal, std::map<std::string, T>& declared,
                                         const environment::Ask& ask);
  Result<environment::Ensured> bind_on(AmqpSession& session, const profile::Binding& binding,
                                       const environment::Ask& ask);
  template <class T>
  Result<environment::Ensured> settled(const T& wanted, Result<environment::Ensured> outcome,
                                       const environment::Ask& ask);
  Result<bool> is_there(AmqpSession& session, const profile::Exchange& exchange);
  Result<bool> is_there(AmqpSession& session, const profile::Queue& queue);
  /// Whether it is listed; where that cannot be seen, both of its ends.
  Result<bool> may_be_there(AmqpSession& session, const profile::Binding& binding);
  /// Bindings that are gone with one of their ends.
  template <class Of>
  void forget_bound(const Of& of);
  Status find_target(AmqpSession& session, const std::string& exchange);

  const RabbitOptions options_;
  const std::unique_ptr<RabbitManagement> management_;
  std::mutex mutex_;  ///< Guards all below but what status_mutex_ does.
  std::unique_ptr<AmqpSession> session_;
  Seen seen_;
  std::optional<RabbitListing> listed_;  // At the last look.
  Expectations expectations_;
  std::map<std::string, profile::Exchange> exchanges_;  // What was ensured, to be declared again.
  std::map<std::string, profile::Queue> queues_;
  Bound bound_;
  RecentKeys keys_;
  Subscribers<RabbitListener> subscribers_{options_.subscriptions};
  Millis pause_;

  mutable std::mutex status_mutex_;  ///< So that nobody waits for a broker that is being looked for.
  std::optional<Error> last_error_;
  Clock::time_point next_attempt_{};
  std::atomic<bool> reconnecting_{false};

  std::condition_variable stop_wake_;
  std::mutex stop_mutex_;
  bool stopping_ = false;
  std::thread tender_;
};

}  // namespace muster
