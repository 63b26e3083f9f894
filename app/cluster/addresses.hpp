// Addresses of this machine: where members reach each other, and clients the node.
#pragma once

#include <cstdint>
#include <string>

#include "app/config/bind.hpp"
#include "base/result.hpp"

namespace muster::app {

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

/// host:port, [v6]:port. Error: `config.invalid`.
Result<HostPort> parse_host_port(const std::string& text);
[[nodiscard]] std::string to_text(const HostPort& address);
[[nodiscard]] bool is_loopback(const std::string& host);
/// `port` when it is free on `host`, else any free one; 0 when there is none.
[[nodiscard]] uint16_t free_port(const std::string& host, uint16_t port);
/// The first IPv4 address of this machine that is not loopback; 127.0.0.1 when there is none.
[[nodiscard]] std::string own_address();

/// Where clients reach what listens there.
[[nodiscard]] std::string url_of(const config::Bind& bind);

}  // namespace muster::app
