// Shows that facts wait until they are recorded, whichever store keeps them.
#include "adapters/fact_stores.hpp"

#include <filesystem>
#include <functional>

#include <catch2/catch.hpp>

#include "base/hash.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;

namespace {

services::Healthy healthy(const std::string& name) {
  services::Healthy made;
  made.name = name;
  made.run = "r";
  return made;
}

std::vector<uint64_t> numbers(const FactStore& store, size_t limit = 100) {
  std::vector<uint64_t> all;
  for (const auto& event : store.waiting(limit))
    all.push_back(match(event)([](const services::Fact& fact) { return fact.local_seq; }));
  return all;
}

/// `open` opens the same store again, as after a restart.
void check_store(const std::function<std::unique_ptr<FactStore>()>& open) {
  using Numbers = std::vector<uint64_t>;
  auto store = open();
  const auto source = store->source();
  CHECK_FALSE(source.empty());
  for (const auto* name : {"a", "b", "c"}) REQUIRE(store->put(healthy(name)));
  CHECK(numbers(*store) == Numbers{1, 2, 3});
  CHECK(numbers(*store, 2) == Numbers{1, 2});

  store = open();
  CHECK(store->source() == source);
  CHECK(numbers(*store) == Numbers{1, 2, 3});
  REQUIRE(store->drop_to(2));
  REQUIRE(store->put(healthy("d")));
  store = open();
  CHECK(store->source() == source);
  CHECK(numbers(*store) == Numbers{3, 4});
  CHECK(std::get<services::Healthy>(store->waiting(1).front()).name == "c");

  REQUIRE(store->drop_to(4));
  REQUIRE(store->put(healthy("e")));
  CHECK(numbers(*store) == Numbers{5});
  REQUIRE(store->drop_to(5));
  store = open();  // Nothing waits: numbers begin anew, under another name.
  CHECK(store->source() != source);
  REQUIRE(store->put(healthy("f")));
  CHECK(numbers(*store) == Numbers{1});
}

}  // namespace

TEST_CASE("facts wait in the log's own store", "[S2-42]") {
  log::MemoryDisk disk;
  check_store([&] { return make_disk_facts(disk); });
}

TEST_CASE("facts wait in a folder", "[S2-42]") {
  const auto folder = std::filesystem::temp_directory_path() / ("muster-facts-" + random_hex(8));
  check_store([&] {
    auto made = make_folder_facts(folder);
    REQUIRE(made);
    return std::move(*made);
  });
  std::filesystem::remove_all(folder);
}

TEST_CASE("beyond the limit the oldest facts are given up, and counted") {
  log::MemoryDisk disk;
  auto store = make_disk_facts(disk);
  for (size_t i = 0; i < kMaxWaitingFacts + 5; i++) REQUIRE(store->put(healthy("a")));
  CHECK(store->given_up() == 5);
  CHECK(numbers(*store, 1) == std::vector<uint64_t>{6});
  CHECK(store->waiting(kMaxWaitingFacts * 2).size() == kMaxWaitingFacts);
}
