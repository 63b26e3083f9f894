// A server on a free port of 127.0.0.1 that hands each connection to a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/ports.hpp"

namespace muster::test {

/// Calls `serve` with each connection, and hangs up when it returns.
class Listening {
public:
  using Serve = std::function<void(int peer)>;

  explicit Listening(Serve serve)
    : serve_(std::move(serve)), listener_(bound_to(0)), port_(port_of(listener_)) {
    listen(listener_, 16);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Listening() { stop(); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  /// How many there were.
  [[nodiscard]] int connections() const { return connections_; }
  /// Ends every connection there is.
  void cut() {
    const std::lock_guard lock(mutex_);
    for (const int peer : peers_) shutdown(peer, SHUT_RDWR);
  }
  /// Lets nobody in any more, ends every connection and waits for what serves them.
  void stop() {
    if (stopping_.exchange(true)) return;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    cut();
    for (auto& thread : threads_) thread.join();
    for (const int peer : peers_) close(peer);
  }

private:
  void accept_all() {
    for (;;) {
      const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      connections_++;
      const std::lock_guard lock(mutex_);
      peers_.push_back(peer);
      threads_.emplace_back([this, peer] {
        serve_(peer);
        shutdown(peer, SHUT_RDWR);
      });
    }
  }

  const Serve serve_;
  const int listener_;
  const uint16_t port_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<int> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace muster::test
