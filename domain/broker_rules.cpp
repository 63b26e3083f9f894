// Names, kinds and lifetimes that a broker takes, and the words for what came of an ensure.
#include "domain/broker_rules.hpp"

#include <charconv>
#include <optional>

namespace muster::broker {
namespace {

Error invalid(std::string detail) {
  return {"field.invalid", std::move(detail)};
}

Status check_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return invalid("a name on the bus has 1 to 255 bytes");
  return Done{};
}

/// As a profile has them.
Json seconds(int64_t ms) {
  return ms % 1000 == 0 ? Json(ms / 1000) : Json(static_cast<double>(ms) / 1000);
}

}  // namespace

Status check(const profile::Exchange& exchange) {
  if (auto status = check_name(exchange.name); !status) return status;
  if (exchange.name.starts_with("amq."))
    return invalid("\"" + exchange.name + "\": names that begin with amq. belong to the broker");
  if (exchange.type != "topic" && exchange.type != "direct" && exchange.type != "fanout")
    return invalid("an exchange is topic, direct or fanout, not \"" + exchange.type + "\"");
  return Done{};
}

Status check(const profile::Queue& queue) {
  if (auto status = check_name(queue.name); !status) return status;
  if (queue.name.starts_with("amq."))
    return invalid("\"" + queue.name + "\": names that begin with amq. belong to the broker");
  if (queue.dlx.size() > kMaxName) return invalid("a dead letter exchange's name has at most 255 bytes");
  if (queue.ttl < 0 || queue.ttl > profile::kMaxTtl)
    return invalid("a ttl is 0 to " + std::to_string(profile::kMaxTtl) + " seconds");
  return Done{};
}

Status check(const profile::Binding& binding) {
  if (auto status = check_name(binding.exchange); !status) return status;
  if (auto status = check_name(binding.queue); !status) return status;
  if (binding.key.size() > kMaxName) return invalid("a routing key has at most 255 bytes");
  return Done{};
}

Status check_message(std::string_view topic, std::string_view idempotency_key, size_t body, size_t max_body) {
  if (topic.size() > kMaxName) return invalid("a topic has at most 255 bytes");
  if (idempotency_key.size() > kMaxName) return invalid("an idempotency key has at most 255 bytes");
  if (body > max_body)
    return Error{"bus.limit", "a message has at most " + std::to_string(max_body) + " bytes"};
  return Done{};
}

environment::Ensured in_sync(std::string detail) {
  return {environment::Outcome::in_sync, std::move(detail), nullptr, nullptr};
}

environment::Ensured added(std::string_view what, Json desired, const environment::Ask& ask) {
  return {environment::Outcome::changed, std::string(what) + (ask.dry_run ? " would be made" : " was made"),
          std::move(desired), nullptr};
}

environment::Ensured removed(std::string_view what, Json actual, const environment::Ask& ask) {
  return {environment::Outcome::changed,
          std::string(what) + (ask.dry_run ? " would be removed" : " was removed"), nullptr,
          std::move(actual)};
}

environment::Ensured incompatible(std::string why, Json desired, Json actual) {
  return {environment::Outcome::incompatible, std::move(why), std::move(desired), std::move(actual)};
}

Json actual_of(Json desired, std::string_view why) {
  const auto quoted_after = [&](std::string_view words) -> std::optional<std::string> {
    const size_t at = why.find(words);
    if (at == why.npos) return {};
    const auto rest = why.substr(at + words.size());
    const size_t open = rest.find('\''), close = rest.find('\'', open == rest.npos ? open : open + 1);
    if (rest.starts_with(" none") || close == rest.npos) return "";
    return std::string(rest.substr(open + 1, close - open - 1));
  };
  const auto name = quoted_after("inequivalent arg");
  const auto current = quoted_after("current is");
  if (!name || !current) return nullptr;
  if (*name == "x-message-ttl") {
    int64_t ms = 0;
    std::from_chars(current->data(), current->data() + current->size(), ms);
    desired["ttl"] = seconds(ms);
  } else if (*name == "x-dead-letter-exchange") {
    desired["dlx"] = *current;
  } else {
    desired[*name] = *current;
  }
  return desired;
}

Json listed_as(Json desired, const Json& listed) {
  if (desired.contains("type"))
    desired["type"] = listed.value("type", Json());
  else
    desired["ttl"] = 0, desired["dlx"] = "";
  if (listed.value("durable", Json()) != true) desired["durable"] = false;
  for (const auto* flag : {"auto_delete", "internal", "exclusive"})
    if (listed.value(flag, Json(false)) != false) desired[flag] = true;
  const auto arguments = listed.value("arguments", Json::object());
  for (const auto& [name, value] : arguments.items())
    if (name == "x-message-ttl" && value.is_number_integer())
      desired["ttl"] = seconds(value.get<int64_t>());
    else if (name == "x-dead-letter-exchange")
      desired["dlx"] = value;
    else if (name != "x-queue-type" || value != "classic")  // Which is what none means.
      desired[name] = value;
  return desired;
}

}  // namespace muster::broker
