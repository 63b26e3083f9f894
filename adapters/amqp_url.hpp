// Where a broker is and who asks: amqp[s]://user:password@host:port/vhost, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster {

constexpr size_t kMaxAmqpUrl = 2048;

struct AmqpUrl {
  bool tls = false;
  std::string host;
  uint16_t port = 0;
  std::string user = "guest", password = "guest";
  std::string vhost = "/";

  /// For people and logs: without the credentials.
  [[nodiscard]] std::string shown() const;
};

/// Where RabbitMQ's management API is, and who asks it.
struct ManagementUrl {
  std::string url;  ///< What comes before /api, without credentials: http://host:15672
  std::string user, password;
};

/// Parts are percent-decoded; ports are 5672 and 5671 unless named; no path, and "/", is the vhost "/".
/// Error: `field.invalid`, which never quotes what was given: it may hold a password.
[[nodiscard]] Result<AmqpUrl> parse_amqp_url(std::string_view text);

/// http[s]://user:password@host:port; those of the broker when it has no user. Error: as parse_amqp_url().
[[nodiscard]] Result<ManagementUrl> parse_management_url(std::string_view text, const AmqpUrl& broker);

}  // namespace muster
