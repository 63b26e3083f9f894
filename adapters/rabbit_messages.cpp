// Publishing to a broker, and reading what it holds.
#include <utility>

#include "adapters/rabbit_bus.hpp"
#include "adapters/rabbit_listener.hpp"
#include "domain/broker_rules.hpp"

namespace muster {

Status RabbitBus::find_target(AmqpSession& session, const std::string& exchange) {
  if (session.ended()) return *session.ended();
  if (exchange.empty() || seen_.targets.contains(exchange)) return Done{};
  const auto there = is_there(session, profile::Exchange{exchange, {}});
  if (!there) return there.error();
  if (!*there) {
    expectations_.begin();  // What is bound to it is gone, too.
    return Error{"bus.unknown", "there is no exchange named \"" + exchange + "\""};
  }
  seen_.targets.insert(exchange);
  return Done{};
}

std::vector<Status> RabbitBus::publish_many(const std::vector<BusMessage>& messages) {
  const auto all = [&](const Error& error) { return std::vector<Status>(messages.size(), error); };
  if (messages.empty()) return {};
  if (reconnecting_) return all(away());
  const std::lock_guard lock(mutex_);
  const auto connected = session();
  if (!connected) return all(connected.error());
  if (!ready())
    return all({"unreachable", options_.amqp.url.shown() + " is made first as it is expected to be"});

  std::vector<Status> statuses(messages.size(), Done{});
  std::vector<const BusMessage*> sent;
  std::vector<size_t> places;                    // Of what is sent, among all.
  std::map<std::string_view, size_t> first;      // Where a key of this call is sent.
  std::vector<std::pair<size_t, size_t>> again;  // And what goes with it.
  for (size_t i = 0; i < messages.size(); i++) {
    const auto& message = messages[i];
    statuses[i] = broker::check_message(message.topic, message.idempotency_key, message.body.size(),
                                        options_.amqp.message_bytes);
    if (statuses[i] && message.exchange.size() > broker::kMaxName)
      statuses[i] = Error{"field.invalid", "an exchange's name has at most 255 bytes"};
    if (!statuses[i] || keys_.knows(message.idempotency_key)) continue;
    statuses[i] = find_target(**connected, message.exchange);  // Or why there is no connection any more.
    if (!statuses[i]) continue;
    if (!message.idempotency_key.empty())
      if (const auto [found, added] = first.emplace(message.idempotency_key, i); !added) {
        again.emplace_back(i, found->second);
        continue;
      }
    places.push_back(i);
    sent.push_back(&message);
  }
  auto confirmed = (*connected)->publish(sent);
  for (size_t i = 0; i < sent.size(); i++) {
    if (confirmed[i]) {
      keys_.add(sent[i]->idempotency_key);
      keys_.forget_beyond_limit();
    } else {
      seen_.targets.erase(sent[i]->exchange);  // It may be gone: it is looked for before the next one.
    }
    statuses[places[i]] = std::move(confirmed[i]);
  }
  for (const auto& [copy, original] : again) statuses[copy] = statuses[original];
  return statuses;
}

Result<std::optional<BusMessage>> RabbitBus::take(std::string_view queue) {
  if (reconnecting_) return away();
  const std::lock_guard lock(mutex_);
  const auto connected = session();
  if (!connected) return connected.error();
  return (*connected)->take(std::string(queue));
}

Result<std::unique_ptr<Subscription>> RabbitBus::subscribe(std::string_view pattern, OnMessage callback) {
  if (reconnecting_) return away();
  const std::lock_guard lock(mutex_);
  if (const auto connected = session(); !connected)
    return connected.error();  // So that the exchange is there.
  return subscribers_.add(
    pattern, [&] { return RabbitListener::start(options_, std::string(pattern), std::move(callback)); });
}

}  // namespace muster
