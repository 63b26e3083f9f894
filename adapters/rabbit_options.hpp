// How a broker is used, and how often it is looked for when it is away.
#pragma once

#include <optional>
#include <string>

#include "adapters/amqp_session.hpp"
#include "base/chance.hpp"

namespace muster {

struct RabbitOptions {
  AmqpOptions amqp;
  std::string exchange = "events";                   ///< The bus's own; made when it is missing. Empty: none.
  Millis first_retry{1'000}, longest_retry{60'000};  ///< Between attempts to connect; doubled, with jitter.
  std::optional<ManagementUrl> management{};         ///< Tells what AMQP cannot; of the vhost of `amqp`.
  /// How long publishing waits, from the beginning, to be told what is expected, and on a connection for all
  /// of that to be ensured.
  Millis expects_within{0}, ensured_within{600'000};
  size_t remembered_keys = 65'536;
  size_t subscriptions = 64;
  size_t subscriber_messages = 10'000;  ///< That wait for a subscriber.
};

}  // namespace muster
