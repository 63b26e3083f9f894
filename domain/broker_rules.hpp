// What every bus asks of exchanges, queues and bindings, and what it says when one is there already.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster::broker {

constexpr size_t kMaxName = 255;  ///< Bytes of names and routing keys, as in AMQP.

/// Errors: `field.invalid`. Names that begin with `amq.` belong to the broker.
[[nodiscard]] Status check(const profile::Exchange& exchange);
[[nodiscard]] Status check(const profile::Queue& queue);
[[nodiscard]] Status check(const profile::Binding& binding);

/// What may be published. Errors: `field.invalid`; `bus.limit` for a body of more than `max_body` bytes.
[[nodiscard]] Status check_message(std::string_view topic, std::string_view idempotency_key, size_t body,
                                   size_t max_body);

/// It was as desired.
[[nodiscard]] environment::Ensured in_sync(std::string detail = {});
/// It was missing and has been made, or in a dry run would be; `desired` as the profile writes it.
[[nodiscard]] environment::Ensured added(std::string_view what, Json desired, const environment::Ask& ask);
/// It was there and has been removed, or in a dry run would be.
[[nodiscard]] environment::Ensured removed(std::string_view what, Json actual, const environment::Ask& ask);
/// It is there in another form.
[[nodiscard]] environment::Ensured incompatible(std::string why, Json desired, Json actual);

/// What is there, as far as a broker says why it refused `desired`: "inequivalent arg 'x-message-ttl' for
/// ...: received the value '61000' ... but current is the value '60000' ...". Null when it says nothing of
/// it.
[[nodiscard]] Json actual_of(Json desired, std::string_view why);

/// What is there, as RabbitMQ's management API lists it, in the form of `desired`: equal to it when it is as
/// it should be.
[[nodiscard]] Json listed_as(Json desired, const Json& listed);

}  // namespace muster::broker
