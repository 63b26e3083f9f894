// Sockets, requests, replies.
#include "wire.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.hpp"

namespace bench {

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    give_up("cannot connect to 127.0.0.1:" + std::to_string(port) + ": " + std::strerror(errno));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

std::vector<int> ports_of(const Arguments& arguments, int otherwise) {
  std::vector<int> ports;
  std::istringstream list(arguments.text("ports", std::to_string(arguments.whole("port", otherwise))));
  for (std::string port; std::getline(list, port, ',');) ports.push_back(std::atoi(port.c_str()));
  if (ports.empty()) give_up("--ports names none");
  return ports;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, 1000);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::string request(std::string_view method, std::string_view path, std::string_view token,
                    std::string_view body, std::string_view more_headers) {
  std::string text;
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!token.empty()) text.append("Authorization: Bearer ").append(token).append("\r\n");
  text.append(more_headers);
  if (!body.empty())
    text.append("Content-Type: application/json\r\nContent-Length: ")
      .append(std::to_string(body.size()) + "\r\n");
  return text.append("\r\n").append(body);
}

ReplyReader::Got ReplyReader::read_from(int fd) {
  if (taken_) {
    buffer_.clear();
    head_ = body_ = 0;
    taken_ = false;
  }
  static std::array<char, 1 << 18> bytes;
  const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return Got::closed;
  if (got < 0) return Got::nothing;
  buffer_.append(bytes.data(), static_cast<size_t>(got));
  if (!whole()) return Got::nothing;
  taken_ = true;
  return Got::reply;
}

bool ReplyReader::whole() {
  if (head_ == 0) {
    const size_t end = buffer_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    head_ = end + 4;
    status_ = std::atoi(buffer_.c_str() + 9);
    for (size_t at = buffer_.find("\r\n"); at < end; at = buffer_.find("\r\n", at + 2))
      if (strncasecmp(buffer_.c_str() + at + 2, "content-length:", 15) == 0)
        body_ = std::strtoul(buffer_.c_str() + at + 17, nullptr, 10);
  }
  return buffer_.size() >= head_ + body_;
}

Poll::Poll() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void Poll::add(int fd, size_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Poll::remove(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void Poll::wait(int ms, const std::function<void(size_t)>& ready) {
  std::array<epoll_event, 512> events;
  const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), ms);
  for (int i = 0; i < n; i++) ready(events[static_cast<size_t>(i)].data.u64);
}

}  // namespace bench
