// A TLS server whose certificate is its own word, and names another host than it is asked for as.
#pragma once

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "adapters/child_process.hpp"
#include "adapters/program.hpp"
#include "tests/adapters/git_room.hpp"

namespace muster::test {

class StrangeTlsServer {
public:
  StrangeTlsServer() {
    const auto made =
      run_program({{"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=elsewhere", "-addext", "subjectAltName=DNS:elsewhere.example",
                    "-keyout", file("key"), "-out", certificate()},
                   base_environment()});
    REQUIRE(made);
    REQUIRE(made->good());
    Spawn spawn;
    spawn.argv = {"openssl", "s_server",  "-accept", std::to_string(port_), "-www", "-quiet",
                  "-key",    file("key"), "-cert",   certificate()};
    spawn.env = base_environment();
    spawn.output = file("log");
    auto server = ChildProcess::start(spawn);
    REQUIRE(server);
    server_.emplace(std::move(*server));
    REQUIRE(eventually([this] { return answers(port_); }));
  }
  StrangeTlsServer(const StrangeTlsServer&) = delete;
  StrangeTlsServer& operator=(const StrangeTlsServer&) = delete;
  ~StrangeTlsServer() { server_->kill(); }

  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  /// Who takes it for a CA's trusts the server, but not its name.
  [[nodiscard]] std::string certificate() const { return file("certificate"); }

private:
  [[nodiscard]] std::string file(const char* name) const { return (room_ / name).string(); }

  GitRoom room_;
  const uint16_t port_ = free_port();
  std::optional<ChildProcess> server_;
};

}  // namespace muster::test
