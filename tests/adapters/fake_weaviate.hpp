// Starts tests/backends/fake_weaviate.py, a fake of a Weaviate server, for as long as it is held.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/http_client.hpp"
#include "base/json.hpp"

extern char** environ;

namespace muster {

/// It ends when its input does, so also with a test that is killed.
class FakeWeaviate {
public:
  explicit FakeWeaviate(const std::string& source_dir, std::vector<std::string> arguments = {}) {
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
    arguments.insert(arguments.begin(),
                     {"/usr/bin/python3", source_dir + "/tests/backends/fake_weaviate.py"});
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    const int failed = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(input[0]);
    close(output[1]);
    input_ = input[1];
    if (failed != 0) throw std::runtime_error("the fake of Weaviate cannot be started");
    FILE* lines = fdopen(output[0], "r");
    int port = 0;
    const bool read = std::fscanf(lines, "%d", &port) == 1;
    std::fclose(lines);
    if (!read) throw std::runtime_error("the fake of Weaviate ended: is python3-jsonschema installed?");
    url_ = "http://127.0.0.1:" + std::to_string(port);
  }
  FakeWeaviate(const FakeWeaviate&) = delete;
  FakeWeaviate& operator=(const FakeWeaviate&) = delete;
  ~FakeWeaviate() {
    close(input_);
    waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] const std::string& url() const { return url_; }

  /// Requests that Weaviate's description does not allow.
  Json faults() { return ask("faults"); }
  size_t writes() { return ask("writes").get<size_t>(); }
  void reset() { ask("reset"); }
  /// A class that somebody made by hand, in any shape.
  void add_class(const Json& made) { ask("class", made.dump()); }

private:
  Json ask(const std::string& what, const std::string& body = {}) {
    const auto reply =
      client_.fetch({.method = body.empty() ? "GET" : "POST", .url = url_ + "/fake/" + what, .body = body});
    if (!reply || reply->status != 200)
      throw std::runtime_error("the fake of Weaviate does not say its " + what);
    return reply->body.empty() ? Json{} : *parse_json(reply->body);
  }

  pid_t pid_ = 0;
  int input_ = -1;
  std::string url_;
  HttpClient client_;
};

}  // namespace muster
