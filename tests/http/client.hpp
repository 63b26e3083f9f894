// A blocking HTTP client and an application for the tests of the edge: real sockets.
#pragma once

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/router.hpp"
#include "http/server.hpp"
#include "tests/support/eventually.hpp"

namespace muster::http::test {

using namespace std::chrono_literals;

/// How long a test waits for what must come: long, because only a test that fails waits so long.
constexpr auto kPatience = 30s;

/// Calls again what was interrupted: sockets with a time limit are, when the process is stopped and goes on.
template <class Call>
auto uninterrupted(Call call) {
  decltype(call()) result;
  do {
    errno = 0;
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

struct Received {
  int status = 0;
  std::string head;
  std::string body;
  /// The header's value, "" when absent; `name` as the server writes it.
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto key = "\r\n" + std::string(name) + ": ";
    const auto from = head.find(key);
    if (from == std::string::npos) return {};
    return head.substr(from + key.size(), head.find("\r\n", from + 2) - from - key.size());
  }
};

/// Every wait ends after kPatience: then a read gives less than it should, and the test fails.
class Client {
public:
  explicit Client(uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{kPatience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { close(); }
  Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), buffer_(std::move(other.buffer_)) {}
  Client& operator=(Client&&) = delete;

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_; }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto n = uninterrupted([&] { return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); });
      if (n <= 0) return false;
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  bool fill() {
    char part[16 << 10];
    const auto n = uninterrupted([&] { return ::recv(fd_, part, sizeof part, 0); });
    if (n > 0) buffer_.append(part, static_cast<size_t>(n));
    return n > 0;
  }

  void forget() { buffer_.clear(); }

  /// What came until (and with) `end`; "" when the connection ends before.
  std::string until(std::string_view end) {
    size_t at;
    while ((at = buffer_.find(end)) == std::string::npos)
      if (!fill()) return {};
    return take(at + end.size());
  }
  std::string exactly(size_t size) {
    while (buffer_.size() < size)
      if (!fill()) return {};
    return take(size);
  }
  /// True when the server closed and nothing is left.
  bool ended() { return buffer_.empty() && !fill() && errno != EAGAIN; }
  std::string rest() {
    while (fill()) {
    }
    return take(buffer_.size());
  }

  Received reply(bool head_only = false) {
    Received got;
    got.head = until("\r\n\r\n");
    if (got.head.size() < 12) return got;
    got.status = std::stoi(got.head.substr(9, 3));
    if (head_only) return got;
    if (got.header("Transfer-Encoding") == "chunked") {
      for (auto piece = chunk(); !piece.empty(); piece = chunk()) got.body += piece;
    } else if (const auto length = got.header("Content-Length"); !length.empty()) {
      got.body = exactly(std::stoul(length));
    }
    return got;
  }
  /// The next chunk's data; "" for the last one.
  std::string chunk() {
    const auto size_line = until("\r\n");
    if (size_line.empty()) return {};
    const auto size = std::stoul(size_line, nullptr, 16);
    auto data = exactly(size);
    until("\r\n");
    return data;
  }

  Received get(std::string_view target, std::string_view headers = "") {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n");
    return reply();
  }

private:
  std::string take(size_t size) {
    auto taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return taken;
  }

  int fd_;
  bool connected_ = false;
  std::string buffer_;
};

/// Routes by path to the handlers a test gives, and remembers what was finished.
class App : public Application {
public:
  void handle(Request& request, const Reply& reply, std::string_view& route) override {
    const auto match = router.find(request.method, request.path);
    if (match.route) {
      route = match.route->pattern;
      request.params = match.params;
      request.principal.id = "tester";
      return match.route->handler(request, reply);
    }
    if (match.allowed.empty()) return reply(problem(Error{"not.found", "no such path"}, request.id));
    reply(request.method == Method::options ? allowed_methods(match) : method_not_allowed(match, request));
  }
  void finished(const Finished& request) override {
    const std::lock_guard lock(mutex_);
    log_.push_back(std::string(request.method) + ' ' + std::string(request.path) + ' ' +
                   std::string(request.route) + ' ' + std::to_string(request.status) + ' ' +
                   std::string(request.actor));
  }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  void on(Method method, std::string pattern, Handler handler) {
    router.add(Route{method, std::move(pattern), std::move(handler), "open", false});
  }

  Router router;

private:
  std::mutex mutex_;
  std::vector<std::string> log_;
};

/// A server with the handlers /hello, /echo (POST), /big and /later (answered by a test).
struct Edge {
  explicit Edge(Limits l = patient(), Listen listen = {"127.0.0.1", 0, "", ""})
    : server(app, std::move(listen), l) {
    app.on(Method::get, "/hello",
           [](const Request&, const Reply& reply) { reply(json_response("{\"a\":1}")); });
    app.on(Method::post, "/echo", [](const Request& request, const Reply& reply) {
      reply(json_response(std::string(request.body)));
    });
    app.on(Method::get, "/big", [this](const Request&, const Reply& reply) {
      Response response;
      response.shared = big;
      reply(std::move(response));
    });
    app.on(Method::get, "/later/{name}", [this](const Request& request, const Reply& reply) {
      const std::lock_guard lock(mutex);
      later.insert_or_assign(std::string(request.param("name")), reply);
    });
  }
  ~Edge() {
    server.stop();
    later.clear();
  }
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  /// Nothing times out, however slow the machine is. A test of a time limit shortens that one alone.
  static Limits patient() {
    Limits limits;
    for (auto* each : {&limits.header_timeout, &limits.body_timeout, &limits.write_timeout,
                       &limits.idle_timeout, &limits.stall_timeout, &limits.drain_timeout})
      *each = 2 * kPatience;
    return limits;
  }

  Client client() const { return Client(server.port()); }
  /// The reply of the request that waits under `name`.
  Reply take_later(const std::string& name) {
    Reply reply;
    eventually([&] {
      const std::lock_guard lock(mutex);
      const auto found = later.find(name);
      if (found == later.end()) return false;
      reply = found->second;
      later.erase(found);
      return true;
    });
    return reply;
  }

  App app;
  Bytes big = std::make_shared<const std::string>(std::string(4 << 20, 'b'));
  std::mutex mutex;
  std::map<std::string, Reply> later;
  Server server;
};

}  // namespace muster::http::test
