// The HTTP/1.1 server: the only place that knows Asio sockets and Beast's parser.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "http/message.hpp"

namespace muster::http {

/// Every limit of the edge. Each with a name in its comment is a flag of muster :serve.
struct Limits {
  size_t max_header = 16 << 10;                     ///< --max-header: request line and headers, bytes (431).
  size_t max_body = 1 << 20;                        ///< --max-body: bytes (413).
  size_t max_connections = 20'000;                  ///< --max-connections (429, then close).
  std::chrono::milliseconds header_timeout{3'000};  ///< --header-timeout: from a request's first byte (408).
  std::chrono::milliseconds body_timeout{5'000};    ///< --body-timeout: until the body is whole (408).
  std::chrono::milliseconds write_timeout{5'000};   ///< --write-timeout: a reply not taken; not for streams.
  std::chrono::milliseconds idle_timeout{60'000};   ///< --idle-timeout: between requests.
  std::chrono::milliseconds stall_timeout{30'000};  ///< --stall-timeout: a stream's reader takes no byte.
  std::chrono::milliseconds drain_timeout{5'000};   ///< --drain-timeout: on stop, requests in flight.
  /// On stop, for a request on a connection that was made, or answered, just before: it may be on its way.
  std::chrono::milliseconds last_request{100};
};

struct Listen {
  std::string host = "127.0.0.1";
  uint16_t port = 8070;  ///< 0: any free port; Server::port() tells which.
  std::string tls_cert;  ///< PEM file, empty: plain HTTP.
  std::string tls_key;
};

/// What one finished request was: for the log line, the metrics, the tests.
struct Finished {
  std::string_view method;
  std::string_view path;
  std::string_view route;  ///< The pattern, "other" when none matched.
  std::string_view id;
  std::string_view actor;
  int status = 0;
  std::chrono::microseconds took{0};
  size_t bytes_in = 0, bytes_out = 0;
};

/// What the server asks of the application, always on its own thread.
class Application {
public:
  virtual ~Application() = default;
  /// Routes, authenticates, authorizes and handles one request. `route` is set to the matched pattern.
  virtual void handle(Request& request, const Reply& reply, std::string_view& route) = 0;
  virtual void finished(const Finished& request) = 0;
  /// The server's thread begins.
  virtual void begin() {}
  /// Some requests were handled; nothing is left to do at once. Called before the thread waits, and now and
  /// then while it has much to do.
  virtual void turn_ended() {}
  /// Time passes: called several times a second, whether there are requests or not.
  virtual void tick() {}
};

struct ServerStats {
  std::atomic<uint64_t> connections{0}, streams{0}, requests{0}, dropped_streams{0}, refused{0};
};

class Server {
public:
  Server(Application& application, Listen listen, Limits limits);
  ~Server();  ///< Stops, if it still runs.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and starts its thread. Error: `bad.request` is never used here; `internal` with the address and
  /// the system's reason when the address cannot be bound or the certificate not read.
  Status start();
  [[nodiscard]] uint16_t port() const;

  /// Lets every stream pull again: there is something new. Cheap, from any thread; many calls become one.
  void wake_streams();

  /// Runs `task` on the server's thread.
  void post(std::function<void()> task);

  /// Stops accepting, tells keep-alive peers `Connection: close`, ends streams with their farewell, waits for
  /// requests in flight up to drain_timeout, then closes. Blocks.
  void stop();

  [[nodiscard]] const ServerStats& stats() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::http
