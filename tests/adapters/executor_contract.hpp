// What every executor promises: one instance, found again, ended with all it started.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>

#include <catch2/catch.hpp>
#include <poll.h>
#include <unistd.h>

#include "adapters/ports/executor.hpp"
#include "base/hash.hpp"

namespace muster::test {

/// A folder for a service, gone with the test.
struct ServiceRoom {
  ServiceRoom() { std::filesystem::create_directories(path); }
  ~ServiceRoom() { std::filesystem::remove_all(path); }
  ServiceRoom(const ServiceRoom&) = delete;
  ServiceRoom& operator=(const ServiceRoom&) = delete;
  std::string path = (std::filesystem::temp_directory_path() / ("muster-service-" + random_hex(8))).string();

  [[nodiscard]] std::string log() const {
    std::ifstream in{path + "/log"};
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

/// Looks until the state is there; in between it waits for the instance to stir.
inline Look look_until(Instance& instance, Look::State state) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  for (;;) {
    auto look = instance.look();
    if (look.state == state || std::chrono::steady_clock::now() > deadline) return look;
    pollfd waiting{instance.fd(), POLLIN, 0};
    ::poll(&waiting, waiting.fd >= 0 ? 1 : 0, 20);
  }
}

/// `app` runs until it is stopped. `forget` makes the executor anew, as after a restart of the node.
inline void check_executor(const std::function<std::unique_ptr<Executor>()>& make, const plan::App& app) {
  ServiceRoom room;
  auto executor = make();
  CHECK_FALSE(executor->name().empty());
  const Order order{app, "run-" + random_hex(8), room.path};
  CHECK_FALSE(executor->adopt(order, ""));  // Nothing was started yet.
  auto started = executor->start(order);
  REQUIRE(started);
  auto instance = std::move(*started);
  REQUIRE(look_until(*instance, Look::State::running).state == Look::State::running);
  const auto pid = instance->pid();
  const auto record = instance->record();

  instance.reset();  // Left alone.
  executor = make();
  auto found = executor->adopt(order, record);
  REQUIRE(found);
  CHECK((*found)->pid() == pid);
  CHECK((*found)->look().state == Look::State::running);

  (*found)->stop();
  CHECK(look_until(**found, Look::State::ended).state == Look::State::ended);
  CHECK((*found)->look().state == Look::State::ended);  // And it stays so.

  auto again = executor->start(order);
  REQUIRE(again);
  REQUIRE(look_until(**again, Look::State::running).state == Look::State::running);
  (*again)->kill();
  CHECK(look_until(**again, Look::State::ended).state == Look::State::ended);
}

}  // namespace muster::test
