// A real S3 server for a test process: Ceph's gateway, and a relay before it that counts and can interfere.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

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

  [[nodiscard]] uint16_t port() const { return port_; }
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

  static uint16_t three_free_ports() {
    for (auto port = static_cast<uint16_t>(20'000 + getpid() % 10'000);; port += 3)
      if (is_free(port) && is_free(port + 1) && is_free(port + 2)) return port;
  }

  std::string folder_;
  uint16_t port_ = 0;
  FILE* input_ = nullptr;
};

/// Hands requests on to a server on this machine as they are. Counts what writes; `before` may answer itself.
class Relay {
public:
  using Before = std::function<std::string(const std::string& request)>;

  explicit Relay(uint16_t port, Before before = {})
    : port_(port),
      before_(std::move(before)),
      server_([this](const std::string& request) { return hand_on(request); }) {}

  [[nodiscard]] std::string url() const { return server_.url(""); }
  [[nodiscard]] int requests() const { return server_.requests(); }
  [[nodiscard]] int writes() const { return writes_; }

private:
  std::string hand_on(const std::string& request) {
    if (!request.starts_with("GET ") && !request.starts_with("HEAD ")) writes_++;
    if (before_)
      if (auto answer = before_(request); !answer.empty()) return answer;
    const int fd = connected_to(port_);
    std::string answer;
    if (fd < 0) return answer;
    auto once = request;
    once.insert(once.find("\r\n") + 2, "Connection: close\r\n");
    send(fd, once.data(), once.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<size_t>(n));
    close(fd);
    return answer;
  }

  const uint16_t port_;
  const Before before_;
  std::atomic<int> writes_{0};
  TinyServer server_;
};

}  // namespace muster::test
