// An actor that throws takes the process with it.
#include "actors/loud.hpp"

#include <csignal>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <caf/all.hpp>
#include <catch2/catch.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace muster;

namespace {

using Thrower = caf::typed_actor<caf::reacts_to<int>>;

Thrower::behavior_type thrower(Thrower::pointer self, const std::string& name) {
  actors::end_loudly(self, name);
  return {[](int number) {
    if (number < 0) throw std::out_of_range("no such number");
  }};
}

/// In a process of its own: what it wrote goes to `pipe`.
[[noreturn]] void run_thrower(int pipe) {
  ::dup2(pipe, STDERR_FILENO);
  std::signal(SIGABRT, SIG_DFL);  // Not Catch's.
  spdlog::set_default_logger(
    std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(std::cerr)));
  caf::actor_system_config config;
  caf::actor_system system{config};
  const auto actor = system.spawn(thrower, std::string{"thrower"});
  caf::anon_send(actor, 1);
  caf::anon_send(actor, -1);
  system.await_all_actors_done();
  std::_Exit(0);
}

}  // namespace

TEST_CASE("an actor that throws names itself and ends the process") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) run_thrower(pipe[1]);
  ::close(pipe[1]);
  std::string said;
  char buffer[512];
  for (ssize_t got = 0; (got = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<size_t>(got));
  ::close(pipe[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK(said.find("actor=thrower threw=no such number") != std::string::npos);
}
