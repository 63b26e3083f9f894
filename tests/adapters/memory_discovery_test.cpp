// Shows the fake of discovery under the contract of every discovery.
#include "adapters/memory_discovery.hpp"

#include <catch2/catch.hpp>

#include "tests/adapters/discovery_contract.hpp"

using namespace muster;

TEST_CASE("the room in memory keeps discovery's contract") {
  DiscoveryRoom room;
  discovery_contract([&] { return std::make_unique<MemoryDiscovery>(room); });
}

TEST_CASE("nobody sees anybody in a dark room") {
  DiscoveryRoom room;
  Watcher a(std::make_unique<MemoryDiscovery>(room)), b(std::make_unique<MemoryDiscovery>(room));
  REQUIRE(a.discovery->advertise(searching_node("n1")));
  CHECK(b.sees(searching_node("n1")));
  room.set_dark(true);
  CHECK(b.sees_nobody());
  room.set_dark(false);
  CHECK(b.sees(searching_node("n1")));
}
