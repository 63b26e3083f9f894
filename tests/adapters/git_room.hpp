// A real git repository to check out, and a daemon that serves it on loopback.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/child_process.hpp"
#include "adapters/program.hpp"
#include "tests/support/eventually.hpp"

namespace muster::test {

namespace fs = std::filesystem;

/// A folder of its own, and `git` as somebody else would use it.
class GitRoom {
public:
  GitRoom() {
    std::string name = fs::temp_directory_path() / "git-XXXXXX";
    path_ = fs::canonical(mkdtemp(name.data()));
    git({"init", "--quiet", "--initial-branch=main", origin()});
    write("scripts/hello/config.d/config.yaml", "interpreter: /bin/sh\n");
    commit("one");
  }
  ~GitRoom() { fs::remove_all(path_); }
  GitRoom(const GitRoom&) = delete;
  GitRoom& operator=(const GitRoom&) = delete;

  [[nodiscard]] std::string origin() const { return (path_ / "origin").string(); }
  [[nodiscard]] std::string folder() const { return (path_ / "data" / "sources" / "tools").string(); }
  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }

  void write(const std::string& name, const std::string& text) const {
    const auto file = fs::path(origin()) / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  /// Runs it in the origin; what it prints.
  std::string git(std::vector<std::string> words) const {
    ProgramOrder order;
    order.argv = {"git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"};
    if (words.front() != "init") order.argv.insert(order.argv.end(), {"-C", origin()});
    order.argv.insert(order.argv.end(), words.begin(), words.end());
    order.env = base_environment();
    const auto end = run_program(order);
    REQUIRE(end);
    INFO(end->err);
    REQUIRE(end->good());
    return end->out.substr(0, end->out.find('\n'));
  }

  /// Everything there is now; its hash.
  std::string commit(const std::string& message) const {
    git({"add", "--all"});
    git({"commit", "--quiet", "--allow-empty", "-m", message});
    return git({"rev-parse", "HEAD"});
  }

private:
  fs::path path_;
};

inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

inline bool answers(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool good = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return good;
}

/// `git daemon` for the repositories of a room.
class GitDaemon {
public:
  explicit GitDaemon(const GitRoom& room) : port_(free_port()), process_(start(room, port_)) {
    REQUIRE(eventually([this] { return answers(port_); }));
  }
  ~GitDaemon() { process_.kill(); }
  GitDaemon(const GitDaemon&) = delete;
  GitDaemon& operator=(const GitDaemon&) = delete;

  [[nodiscard]] std::string url() const { return "git://127.0.0.1:" + std::to_string(port_) + "/origin"; }

private:
  static ChildProcess start(const GitRoom& room, int port) {
    Spawn spawn;
    spawn.argv = {"git",
                  "daemon",
                  "--export-all",
                  "--listen=127.0.0.1",
                  "--port=" + std::to_string(port),
                  "--base-path=" + (room / "").string(),
                  (room / "").string()};
    spawn.env = base_environment();
    spawn.output = (room / "daemon.log").string();
    auto started = ChildProcess::start(spawn);
    REQUIRE(started);
    return std::move(*started);
  }
  int port_;
  ChildProcess process_;
};

}  // namespace muster::test
