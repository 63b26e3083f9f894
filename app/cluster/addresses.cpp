// Reading addresses, and asking the system for free ports and its own ones.
#include "app/cluster/addresses.hpp"

#include <charconv>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace muster::app {
namespace {

/// A port that could be bound a moment ago; 0 when it could not.
uint16_t try_port(const std::string& host, uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  const bool bound = ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
                     ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace

Result<HostPort> parse_host_port(const std::string& text) {
  const auto colon = text.rfind(':');
  HostPort address;
  if (colon != std::string::npos) {
    address.host = text.substr(0, colon);
    if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
      address.host = address.host.substr(1, address.host.size() - 2);
    const auto* end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (ec == std::errc{} && stop == end && !address.host.empty()) return address;
  }
  return Error{"config.invalid", "'" + text + "' is no address, such as 127.0.0.1:18070", {}};
}

std::string to_text(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

uint16_t free_port(const std::string& host, uint16_t port) {
  if (host.find(':') != std::string::npos) return port;  // Only the address itself can tell.
  const auto wanted = port == 0 ? uint16_t{0} : try_port(host, port);
  return wanted != 0 ? wanted : try_port(host, 0);
}

std::string own_address() {
  ifaddrs* all = nullptr;
  std::string found = "127.0.0.1";
  if (::getifaddrs(&all) != 0) return found;
  for (const auto* one = all; one; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET || (one->ifa_flags & IFF_LOOPBACK) != 0 ||
        (one->ifa_flags & IFF_UP) == 0)
      continue;
    char text[INET_ADDRSTRLEN] = "";
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    if (!::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text)) continue;
    found = text;
    break;
  }
  ::freeifaddrs(all);
  return found;
}

std::string url_of(const config::Bind& bind) {
  auto host = bind.listen.host;
  if (host == "0.0.0.0" || host == "::") host = own_address();
  const bool v6 = host.find(':') != std::string::npos;
  return std::string(bind.listen.tls_cert.empty() ? "http://" : "https://") + (v6 ? "[" + host + "]" : host) +
         ":" + std::to_string(bind.listen.port);
}

}  // namespace muster::app
