// A small HTTP server on a free port of 127.0.0.1, for tests of what calls out.
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/// Calls the handler with each request (head and body as they came) on a thread per connection; what it
/// returns is written back as it is. An empty answer closes the connection.
class TinyServer {
public:
  using Handler = std::function<std::string(const std::string& request)>;

  explicit TinyServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 16);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~TinyServer() { stop(); }

  void stop() {
    if (stopping_.exchange(true)) return;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const int peer : peers_) shutdown(peer, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    for (const int peer : peers_) close(peer);
  }

  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int connections() const { return connections_; }
  int requests() const { return requests_; }

private:
  void accept_all() {
    for (;;) {
      const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      connections_++;
      const std::lock_guard lock(mutex_);
      peers_.push_back(peer);
      threads_.emplace_back([this, peer] { serve(peer); });
    }
  }

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
    shutdown(peer, SHUT_RDWR);
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::vector<int> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

inline std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
