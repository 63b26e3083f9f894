// The rules of --bind.
#include "app/config/bind.hpp"

#include <array>
#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace muster::config {
namespace {

struct Address {
  std::string host;  ///< Empty for a bare port.
  uint16_t port = 0;
};

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, port);
  if (text.empty() || ec != std::errc{} || stop != end) return std::nullopt;
  return port;
}

Result<Address> parse_address(const Config& config) {
  const std::string& text = config.text("bind");
  const Error bad{"config.invalid", to_text(config.origin("bind")) + ": '" + text +
                                      "' is not an address, such as :8070, 127.0.0.1:8070 or [::1]:8070"};
  if (const auto port = parse_port(text)) return Address{"", *port};
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return bad;
  const auto port = parse_port(std::string_view{text}.substr(colon + 1));
  if (!port) return bad;
  std::string host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const int family = bracketed ? AF_INET6 : AF_INET;
  if (!host.empty() && inet_pton(family, host.c_str(), address.data()) != 1) return bad;
  return Address{host, *port};
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1";
}

}  // namespace

Result<Bind> resolve_bind(const Config& config, bool has_tokens) {
  auto address = parse_address(config);
  if (!address) return address.error();
  Bind bind;
  bind.listen = {address->host, address->port, config.text("tls-cert"), config.text("tls-key")};
  if (bind.listen.tls_cert.empty() != bind.listen.tls_key.empty())
    return Error{"config.invalid", "--tls-cert and --tls-key go together; one of them is missing"};

  const bool dev = config.flag("dev");
  const bool credentials = has_tokens || !config.text("api-key").empty() ||
                           !config.text("api-key-file").empty() || !config.text("jwks-url").empty() ||
                           !config.text("jwt-secret").empty() || !config.text("join-token").empty();
  if (address->host.empty()) {
    bind.loopback = dev || !credentials;
    bind.listen.host = bind.loopback ? "127.0.0.1" : "0.0.0.0";
    if (dev && credentials)
      bind.notice = "--dev serves on loopback only";
    else if (!credentials)
      bind.notice =
        "no credentials are set, so this node serves on loopback only; set --api-key-file or --jwks-url, or "
        "make a token with muster :token new, to serve other machines";
    return bind;
  }
  bind.loopback = is_loopback(address->host);
  if (bind.loopback) return bind;
  if (dev)
    return Error{"bind.refused", config.text("bind") +
                                   " is not loopback, and --dev accepts a token that everybody knows; leave "
                                   "out --dev, or bind 127.0.0.1"};
  if (!credentials)
    return Error{"bind.refused", config.text("bind") +
                                   " is not loopback, and without credentials anybody who reaches it could "
                                   "control this node; set --api-key-file or --jwks-url, or start on "
                                   "127.0.0.1 and make a token with muster :token new"};
  return bind;
}

http::Limits http_limits(const Config& config) {
  const auto size = [&](std::string_view name) { return static_cast<size_t>(config.number(name)); };
  return {.max_header = size("max-header"),
          .max_body = size("max-body"),
          .max_connections = size("max-connections"),
          .header_timeout = config.duration("header-timeout"),
          .body_timeout = config.duration("body-timeout"),
          .write_timeout = config.duration("write-timeout"),
          .idle_timeout = config.duration("idle-timeout"),
          .stall_timeout = config.duration("stall-timeout"),
          .drain_timeout = config.duration("drain-timeout")};
}

}  // namespace muster::config
