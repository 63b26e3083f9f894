// What a broker has, compared with what it should have; publishing; and keeping the connection.
#include "adapters/rabbit_bus.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "adapters/rabbit_listener.hpp"
#include "domain/broker_rules.hpp"

namespace muster {
namespace {

using environment::Ask;
using environment::Ensured;

constexpr Millis kTick{500};  // Between two looks at the connection.
constexpr int kOk = 0, kRefused = 403, kNotFound = 404, kLocked = 405, kInequivalent = 406;

Error error_of(const AmqpRefusal& refusal) {
  return {refusal.code == kNotFound  ? "bus.unknown"
          : refusal.code == kRefused ? "backend.refused"
                                     : "backend.reply",
          refusal.text};
}

const char* kind_of(const profile::Exchange&) {
  return "exchange";
}
const char* kind_of(const profile::Queue&) {
  return "queue";
}

std::string made_name(std::string_view kind, const std::string& name) {
  return std::string(kind) + " " + name;
}

}  // namespace

RabbitBus::RabbitBus(RabbitOptions options)
  : options_(std::move(options)),
    management_(options_.management ? std::make_unique<RabbitManagement>(
                                        *options_.management, options_.amqp.url.vhost, options_.amqp.ca_file)
                                    : nullptr),
    expectations_(options_.expects_within, options_.ensured_within),
    keys_(options_.remembered_keys),
    pause_(options_.first_retry),
    tender_([this] { tend(); }) {}

RabbitBus::~RabbitBus() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_wake_.notify_all();
  tender_.join();
}

/// Nobody who publishes waits for it.
Status RabbitBus::look() {
  if (!management_) return Done{};
  auto listed = management_->list();
  const std::lock_guard lock(mutex_);
  listed_.reset();
  if (!listed) return listed.error();
  listed_ = std::move(*listed);
  return Done{};
}

template <class Of>
void RabbitBus::forget_bound(const Of& of) {
  std::erase_if(seen_.bound, of);
  if (listed_) std::erase_if(listed_->bound, of);
}

Error RabbitBus::away() const {
  const std::lock_guard lock(status_mutex_);
  return last_error_.value_or(Error{"unreachable", options_.amqp.url.shown() + " is being connected to"});
}

Result<AmqpSession*> RabbitBus::session() {
  if (session_ && !session_->ended()) return session_.get();
  if (session_) broke(*session_->ended());
  {
    const std::lock_guard lock(status_mutex_);
    if (last_error_ && Clock::now() < next_attempt_) return *last_error_;
  }
  if (auto status = connect(); !status) return status.error();
  return session_.get();
}

void RabbitBus::broke(Error error) {
  if (session_) listed_.reset();  // The broker may come back with nothing.
  session_.reset();
  expectations_.end();
  const std::lock_guard lock(status_mutex_);
  // Who may not enter is not helped by knocking often.
  const bool unwelcome = error.code == "backend.refused" || error.code == "tls.untrusted";
  const auto pause = unwelcome ? options_.longest_retry : pause_;
  next_attempt_ = Clock::now() + jittered(pause);
  pause_ = std::min(pause_ * 2, options_.longest_retry);
  last_error_ = std::move(error);
}

Status RabbitBus::connect() {
  auto opened = AmqpSession::open(options_.amqp);
  if (!opened) {
    broke(opened.error());
    spdlog::warn("the broker cannot be used: {}", opened.error().detail);
    return opened.error();
  }
  session_ = std::move(*opened);
  seen_ = {};
  expectations_.begin();
  declare_again(*session_);
  if (session_->ended()) {
    broke(*session_->ended());
    return away();
  }
  pause_ = options_.first_retry;
  const std::lock_guard lock(status_mutex_);
  last_error_.reset();
  spdlog::info("connected to {}", options_.amqp.url.shown());
  return Done{};
}

void RabbitBus::declare_again(AmqpSession& session) {
  const auto until = Clock::now() + options_.amqp.answer;  // The rest waits for who ensures it.
  const auto may = [&](const Result<AmqpRefusal>& refusal, const std::string& name) {
    if (refusal && refusal->code != kOk)
      spdlog::warn("\"{}\" is not as it was declared before: {}", name, refusal->text);
    return refusal && refusal->code == kOk;
  };
  const auto goes_on = [&] { return !session.ended() && Clock::now() < until; };
  if (!options_.exchange.empty() &&
      may(session.declare(profile::Exchange{options_.exchange, "topic"}), options_.exchange))
    seen_.targets.insert(options_.exchange);
  for (const auto& [name, exchange] : exchanges_)
    if (goes_on() && may(session.declare(exchange), name)) {
      seen_.exchanges[name] = exchange;
      expectations_.settle(exchange);
    }
  for (const auto& [name, queue] : queues_)
    if (goes_on() && may(session.declare(queue), name)) {
      seen_.queues[name] = queue;
      expectations_.settle(queue);
    }
  for (const auto& each : bound_) {
    const profile::Binding binding{each.first, each.second.first, each.second.second};
    if (!goes_on() || !may(session.bind(binding), binding.queue)) continue;
    seen_.bound.insert(each);
    expectations_.settle(binding);
  }
}

bool RabbitBus::look_due() {
  const std::lock_guard lock(status_mutex_);
  return !last_error_ && expectations_.look_due();
}

void RabbitBus::expect(const profile::Profile& profile) {
  const std::lock_guard lock(mutex_);
  const auto keep_those_of = [](auto& known, const auto& desired) {
    std::erase_if(known, [&](const auto& one) {
      return std::ranges::none_of(desired, [&](const auto& other) { return other.name == one.first; });
    });
  };
  keep_those_of(exchanges_, profile.exchanges);
  keep_those_of(queues_, profile.queues);
  std::erase_if(bound_, [&](const auto& bound) {
    return std::ranges::none_of(profile.bindings, [&](const profile::Binding& binding) {
      return bound.first == binding.exchange && bound.second.first == binding.queue &&
             bound.second.second == binding.key;
    });
  });
  expectations_.expect(profile);
}

void RabbitBus::tend() {
  std::unique_lock stop(stop_mutex_);
  while (!stop_wake_.wait_for(stop, std::min(kTick, options_.first_retry), [this] { return stopping_; })) {
    stop.unlock();
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) {
      if (session_ && !session_->ended()) session_->pulse();
      if (session_ && session_->ended()) broke(*session_->ended());
      const bool due = [this] {
        const std::lock_guard status(status_mutex_);
        return last_error_ && Clock::now() >= next_attempt_;
      }();
      if (!session_ && due) {
        reconnecting_ = true;
        (void)connect();
        reconnecting_ = false;
      }
    }
    stop.lock();
  }
}

Result<bool> RabbitBus::is_there(AmqpSession& session, const profile::Exchange& exchange) {
  const auto refusal = session.look_for_exchange(exchange.name);
  if (!refusal) return refusal.error();
  if (refusal->code == kOk) return true;
  if (refusal->code != kNotFound) return error_of(*refusal);
  seen_.exchanges.erase(exchange.name);
  seen_.targets.erase(exchange.name);
  forget_bound([&](const auto& bound) { return bound.first == exchange.name; });
  return false;
}

Result<bool> RabbitBus::is_there(AmqpSession& session, const profile::Queue& queue) {
  uint64_t messages = 0;
  const auto refusal = session.look_for_queue(queue.name, messages);
  if (!refusal) return refusal.error();
  if (refusal->code == kOk || refusal->code == kLocked) return true;
  if (refusal->code != kNotFound) return error_of(*refusal);
  seen_.queues.erase(queue.name);
  forget_bound([&](const auto& bound) { return bound.second.first == queue.name; });
  return false;
}

Result<bool> RabbitBus::may_be_there(AmqpSession& session, const profile::Binding& binding) {
  if (listed_) return listed_->bound.contains({binding.exchange, {binding.queue, binding.key}});
  const auto exchange = is_there(session, profile::Exchange{binding.exchange, {}});
  if (!exchange) return exchange.error();
  const auto queue = is_there(session, profile::Queue{binding.queue});
  if (!queue) return queue.error();
  return *exchange && *queue;
}

template <class T>
Result<Ensured> RabbitBus::ensure(const T& wanted, std::map<std::string, T>& equal,
                                  std::map<std::string, T>& declared, const Ask& ask) {
  if (auto status = broker::check(wanted); !status) return status.error();
  if (reconnecting_) return away();
  const std::lock_guard lock(mutex_);
  const auto connected = session();
  if (!connected) return connected.error();
  return settled(wanted, ensure_on(**connected, wanted, equal, declared, ask), ask);
}

/// What a dry run would write is still to come.
template <class T>
Result<Ensured> RabbitBus::settled(const T& wanted, Result<Ensured> outcome, const Ask& ask) {
  const bool to_write = outcome && (outcome->outcome == environment::Outcome::changed || outcome->unseen);
  if (!ask.dry_run || !to_write) expectations_.settle(wanted);
  return outcome;
}

template <class T>
Result<Ensured> RabbitBus::ensure_on(AmqpSession& session, const T& wanted, std::map<std::string, T>& equal,
                                     std::map<std::string, T>& declared, const Ask& ask) {
  const auto there = is_there(session, wanted);
  if (!there) return there.error();
  const auto name = made_name(kind_of(wanted), wanted.name);
  const auto desired = to_json(wanted);
  Json listed;
  if (listed_ && listed_->forms.contains(name)) listed = broker::listed_as(desired, listed_->forms.at(name));
  const auto known = equal.find(wanted.name);
  const bool compared =
    known != equal.end() && known->second == wanted && (listed.is_null() || seen_.forms[name] == listed);
  if (*there && (compared || listed == desired)) return broker::in_sync();
  if (!*there && ask.dry_run) return broker::added(std::string("the ") + kind_of(wanted), desired, ask);
  // Of what is there a declaration changes nothing: it is how AMQP compares. So a dry run does it, too.
  const auto refusal = session.declare(wanted);
  if (!refusal) return refusal.error();
  if (refusal->code == kInequivalent || refusal->code == kLocked) {
    equal.erase(wanted.name);
    return broker::incompatible(refusal->text, desired,
                                listed.is_null() ? broker::actual_of(desired, refusal->text) : listed);
  }
  if (refusal->code != kOk) return error_of(*refusal);
  equal[wanted.name] = wanted;
  seen_.forms[name] = listed;
  if (!ask.dry_run) declared[wanted.name] = wanted;
  if (*there) return broker::in_sync();
  seen_.made.insert(name);
  return broker::added(std::string("the ") + kind_of(wanted), desired, ask);
}

Result<Ensured> RabbitBus::ensure_exchange(const profile::Exchange& exchange, const Ask& ask) {
  return ensure(exchange, seen_.exchanges, exchanges_, ask);
}

Result<Ensured> RabbitBus::ensure_queue(const profile::Queue& queue, const Ask& ask) {
  return ensure(queue, seen_.queues, queues_, ask);
}

Result<Ensured> RabbitBus::ensure_binding(const profile::Binding& binding, const Ask& ask) {
  if (auto status = broker::check(binding); !status) return status.error();
  if (reconnecting_) return away();
  const std::lock_guard lock(mutex_);
  const auto connected = session();
  if (!connected) return connected.error();
  return settled(binding, bind_on(**connected, binding, ask), ask);
}

Result<Ensured> RabbitBus::bind_on(AmqpSession& session, const profile::Binding& binding, const Ask& ask) {
  const Bound::value_type wanted{binding.exchange, {binding.queue, binding.key}};
  if (listed_ && listed_->bound.contains(wanted))
    seen_.bound.insert(wanted);
  else if (listed_)
    seen_.bound.erase(wanted);
  if (seen_.bound.contains(wanted)) return broker::in_sync();
  if (ask.dry_run) {
    const auto there = may_be_there(session, binding);
    if (!there) return there.error();
    if (*there) {
      auto told = broker::in_sync("whether it is bound cannot be seen over AMQP");
      told.unseen = true;
      return told;
    }
    return broker::added("the binding", to_json(binding), ask);
  }
  const auto refusal = session.bind(binding);
  if (!refusal) return refusal.error();
  if (refusal->code != kOk) return error_of(*refusal);
  seen_.bound.insert(wanted);
  bound_.insert(wanted);
  if (listed_) listed_->bound.insert(wanted);
  if (listed_ || seen_.made.contains(made_name("queue", binding.queue)) ||
      seen_.made.contains(made_name("exchange", binding.exchange)))
    return broker::added("the binding", to_json(binding), ask);
  return broker::in_sync("bound; whether it was before cannot be seen over AMQP");
}

Result<Ensured> RabbitBus::remove_binding(const profile::Binding& binding, const Ask& ask) {
  if (auto status = broker::check(binding); !status) return status.error();
  if (reconnecting_) return away();
  const std::lock_guard lock(mutex_);
  const auto connected = session();
  if (!connected) return connected.error();
  const auto there = may_be_there(**connected, binding);
  if (!there) return there.error();
  const Bound::value_type unwanted{binding.exchange, {binding.queue, binding.key}};
  if (!ask.dry_run) {
    bound_.erase(unwanted);
    forget_bound([&](const auto& bound) { return bound == unwanted; });
  }
  if (!*there) return broker::in_sync();
  if (ask.dry_run) {
    auto told = broker::removed("the binding", to_json(binding), ask);
    if (!listed_) told.detail += " if it is there, which cannot be seen over AMQP";
    return told;
  }
  const auto refusal = (*connected)->unbind(binding);
  if (!refusal) return refusal.error();
  if (refusal->code != kOk) return error_of(*refusal);
  return broker::removed("the binding", to_json(binding), ask);
}

Result<QueueDepth> RabbitBus::depth(std::string_view queue) {
  if (reconnecting_) return away();
  const std::lock_guard lock(mutex_);
  const auto connected = session();
  if (!connected) return connected.error();
  QueueDepth depth;
  const auto refusal = (*connected)->look_for_queue(std::string(queue), depth.messages);
  if (!refusal) return refusal.error();
  if (refusal->code != kOk) return error_of(*refusal);
  return depth;
}

}  // namespace muster
