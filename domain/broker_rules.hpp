// What every bus asks of exchanges, queues and bindings, and what it says when one is there already.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/ensured.hpp"
#include "domain/profile.hpp"

namespace muster::broker {

constexpr size_t kMaxName = 255;                  ///< Bytes of names and routing keys, as in AMQP.
constexpr int64_t kMaxTtl = 10LL * 365 * 86'400;  ///< Seconds a queue may keep a message.

/// Errors: `field.invalid`. Names that begin with `amq.` belong to the broker.
[[nodiscard]] Status check(const profile::Exchange& exchange);
[[nodiscard]] Status check(const profile::Queue& queue);
[[nodiscard]] Status check(const profile::Binding& binding);

/// It was as desired.
[[nodiscard]] environment::Ensured in_sync(std::string detail = {});
/// It was missing and has been made, or in a dry run would be; `desired` as the profile writes it.
[[nodiscard]] environment::Ensured added(std::string_view what, Json desired, const environment::Ask& ask);
/// It is there in another form. `actual` is null where the other side does not tell more than `why`.
[[nodiscard]] environment::Ensured incompatible(std::string why, Json desired, Json actual);

}  // namespace muster::broker
