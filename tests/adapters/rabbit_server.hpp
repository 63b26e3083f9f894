// A real RabbitMQ of this test process, started when it is asked for first (tests/backends/rabbit.sh).
#pragma once

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/amqp_session.hpp"
#include "base/hash.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

namespace muster {

class RabbitServer {
public:
  /// `root` is the source tree.
  static RabbitServer& get(const std::string& root) {
    static RabbitServer server(root);
    return server;
  }

  [[nodiscard]] AmqpOptions options() const { return at("amqp://127.0.0.1:" + std::to_string(port_)); }
  [[nodiscard]] AmqpOptions tls(const std::string& host) const {
    auto options = at("amqps://" + host + ":" + std::to_string(tls_port_));
    options.ca_file = folder_ + "/cert.pem";
    return options;
  }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string management() const {
    return "http://127.0.0.1:" + std::to_string(management_port_);
  }

private:
  explicit RabbitServer(const std::string& root) {
    const std::string script = root + "/tests/backends/rabbit.sh";
    std::vector<std::string> words{script, folder_};
    for (const uint16_t port : {port_, tls_port_, test::free_port(), test::free_port(), management_port_})
      words.push_back(std::to_string(port));
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      execv(argv[0], argv.data());
      _exit(127);
    }
    const bool up =
      eventually([this] { return waitpid(pid_, nullptr, WNOHANG) != 0 || AmqpSession::open(options()); });
    if (!up || kill(pid_, 0) != 0) FAIL("RabbitMQ does not start: see " << folder_ << "/log/console");
  }
  ~RabbitServer() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  static AmqpOptions at(const std::string& url) {
    AmqpOptions options;
    options.url = *parse_amqp_url(url);
    return options;
  }

  const std::string folder_ =
    (std::filesystem::temp_directory_path() / ("muster-rabbit-" + random_hex(8))).string();
  const uint16_t port_ = test::free_port(), tls_port_ = test::free_port(),
                 management_port_ = test::free_port();
  pid_t pid_ = -1;
};

}  // namespace muster
