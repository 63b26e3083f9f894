// A small HTTP server on a free port of 127.0.0.1, for tests of what calls out.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "tests/support/listening.hpp"

/// Calls the handler with each request (head and body as they came) on a thread per connection; what it
/// returns is written back as it is. An empty answer closes the connection.
class TinyServer {
public:
  using Handler = std::function<std::string(const std::string& request)>;

  explicit TinyServer(Handler handler)
    : handler_(std::move(handler)), listening_([this](int peer) { serve(peer); }) {}

  void stop() { listening_.stop(); }

  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(listening_.port()) + path;
  }
  int connections() const { return listening_.connections(); }
  int requests() const { return requests_; }

private:
  void serve(int peer) {
    std::string input;
    char buffer[4096];
    for (;;) {
      const auto head = input.find("\r\n\r\n");
      const auto length = input.find("Content-Length: ");
      size_t total = head == std::string::npos ? 0 : head + 4;
      if (total > 0 && length < head) total += std::stoul(input.substr(length + 16));
      if (total > 0 && input.size() >= total) {
        requests_++;
        const auto answer = handler_(input.substr(0, total));
        input.erase(0, total);
        if (answer.empty()) break;
        if (send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
        continue;
      }
      const auto n = recv(peer, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      input.append(buffer, static_cast<size_t>(n));
    }
  }

  Handler handler_;
  std::atomic<int> requests_{0};
  muster::test::Listening listening_;
};

inline std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
