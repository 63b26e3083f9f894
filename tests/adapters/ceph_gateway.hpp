// A real S3 server for a test process: Ceph's gateway, and a relay before it that counts and can interfere.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/s3_storage.hpp"
#include "tests/adapters/tiny_server.hpp"
#include "tests/support/eventually.hpp"

namespace muster::test {

inline const aws::Credentials kOurs{"testak", "testsk"}, kOthers{"otherak", "othersk"};

/// Started by the first who asks, and gone when the process ends, however it ends.
class CephGateway {
public:
  /// `script` is tests/backends/ceph.
  static CephGateway& get(const std::string& script) {
    static CephGateway gateway(script);
    return gateway;
  }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

  CephGateway(const CephGateway&) = delete;
  CephGateway& operator=(const CephGateway&) = delete;

private:
  explicit CephGateway(const std::string& script) {
    std::string name = std::filesystem::temp_directory_path() / "ceph-XXXXXX";
    folder_ = mkdtemp(name.data());
    port_ = three_free_ports();
    const auto command = script + " " + folder_ + " " + std::to_string(port_) + " >" + folder_ + "/said 2>&1";
    input_ = popen(command.c_str(), "we");
    S3Storage ours({"http://" + host(), kOurs}), others({"http://" + host(), kOthers});
    const bool up = eventually([&] { return ours.buckets() && others.buckets(); }, std::chrono::seconds{90});
    if (!up) throw std::runtime_error("the S3 server did not come up; see " + folder_);
  }

  ~CephGateway() {
    pclose(input_);
    std::filesystem::remove_all(folder_);
  }

  static bool is_free(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return free;
  }

  static int three_free_ports() {
    for (int port = 20'000 + getpid() % 10'000;; port += 3)
      if (is_free(port) && is_free(port + 1) && is_free(port + 2)) return port;
  }

  std::string folder_;
  int port_ = 0;
  FILE* input_ = nullptr;
};

/// Hands requests on to a server on this machine as they are. Counts what writes; `before` may answer itself.
class Relay {
public:
  using Before = std::function<std::string(const std::string& request)>;

  explicit Relay(int port, Before before = {})
    : port_(port),
      before_(std::move(before)),
      server_([this](const std::string& request) { return hand_on(request); }) {}

  [[nodiscard]] std::string url() const {
    auto url = server_.url();
    url.pop_back();
    return url;
  }
  [[nodiscard]] int writes() const { return writes_; }

private:
  std::string hand_on(const std::string& request) {
    if (!request.starts_with("GET ") && !request.starts_with("HEAD ")) writes_++;
    if (before_)
      if (auto answer = before_(request); !answer.empty()) return answer;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port_));
    std::string answer;
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      auto once = request;
      once.insert(once.find("\r\n") + 2, "Connection: close\r\n");
      send(fd, once.data(), once.size(), MSG_NOSIGNAL);
      char buffer[4096];
      for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
        answer.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    return answer;
  }

  const int port_;
  const Before before_;
  std::atomic<int> writes_{0};
  TinyServer server_;
};

}  // namespace muster::test
