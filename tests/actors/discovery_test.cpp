// That looking for neighbours is the business of an actor.
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "actors/system.hpp"
#include "events/log/memory_disk.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/test_keys.hpp"

using namespace muster;

TEST_CASE("discovery has an actor of its own, which looks each time it is told to, until the node stops",
          "[S0-04]") {
  log::MemoryDisk disk;
  const auto keys = test_keys();
  std::atomic<int> looked{0};
  std::atomic<std::thread::id> where{};
  SystemOptions options;
  options.node = "test";
  options.version = "0";
  options.discover = [&] {
    where = std::this_thread::get_id();
    looked++;
  };
  auto system = System::make(disk, keys, options);
  REQUIRE(system);
  (*system)->discover();
  (*system)->discover();
  CHECK(eventually([&] { return looked == 2; }));
  CHECK(where.load() != std::this_thread::get_id());
  (*system)->stop();
  (*system)->discover();
  system->reset();  // Its threads have ended: whoever was told to look has looked.
  CHECK(looked == 2);
}
