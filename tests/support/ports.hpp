// Ports of 127.0.0.1: which are free, which answer, and sockets on them.
#pragma once

#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace muster::test {

/// `port` of 127.0.0.1; 0: any.
inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A TCP socket that has `port`, 0 for any that nobody has; -1 when somebody has it. The caller closes it.
inline int bound_to(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

/// The port that a socket has.
inline uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

/// A port that nobody has now.
inline uint16_t free_port() {
  const int fd = bound_to(0);
  const auto port = port_of(fd);
  ::close(fd);
  return port;
}

/// Whether nobody has `port` now.
inline bool is_free(uint16_t port) {
  const int fd = bound_to(port);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

/// A connection to whoever listens at `port`; -1 when nobody does. The caller closes it.
inline int connected_to(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

/// Whether somebody listens at `port`.
inline bool answers(uint16_t port) {
  const int fd = connected_to(port);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

}  // namespace muster::test
