// A real git repository to check out, and a daemon that serves it on loopback.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "adapters/child_process.hpp"
#include "adapters/program.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

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
  static ChildProcess start(const GitRoom& room, uint16_t port) {
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
  const uint16_t port_;
  ChildProcess process_;
};

}  // namespace muster::test
