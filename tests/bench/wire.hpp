// A keep-alive HTTP/1.1 connection on a raw socket, and the epoll set it is polled with. As little CPU as
// possible: the generator shares two cores with what it measures.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "measure.hpp"

namespace bench {

/// Connects to 127.0.0.1:port, non-blocking, without Nagle. Gives up when it cannot.
[[nodiscard]] int connect_to(int port);

/// The ports of "--ports 1,2,3", else the one of "--port". Gives up when one is none.
[[nodiscard]] std::vector<int> ports_of(const Arguments& arguments, int otherwise);

/// Writes all of `bytes`, waiting when the socket is full. False: the peer is gone.
bool send_all(int fd, std::string_view bytes);

/// A request with a body (may be empty) and the token, as bytes.
[[nodiscard]] std::string request(std::string_view method, std::string_view path, std::string_view token,
                                  std::string_view body, std::string_view more_headers = "");

/// Cuts replies out of what a socket delivered.
class ReplyReader {
public:
  enum class Got { nothing, reply, closed };
  /// Reads once. `reply`: status() and body() are those of a whole reply.
  Got read_from(int fd);
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::string_view body() const { return std::string_view(buffer_).substr(head_, body_); }

private:
  bool whole();
  std::string buffer_;
  size_t head_ = 0, body_ = 0;
  int status_ = 0;
  bool taken_ = true;
};

/// Readable sockets by a number of one's own.
class Poll {
public:
  Poll();
  void add(int fd, size_t number);
  void remove(int fd);
  /// Calls ready(number) for each readable socket; waits `ms` at most.
  void wait(int ms, const std::function<void(size_t)>& ready);

private:
  int epoll_;
};

}  // namespace bench
