// Shows the vector index inside the node under the contract of every index, over restarts and losses of
// power.
#include "adapters/memory_index.hpp"

#include <catch2/catch.hpp>

#include "events/log/memory_disk.hpp"
#include "tests/adapters/index_contract.hpp"

using namespace muster;

namespace {

class CountingDisk : public log::MemoryDisk {
public:
  Status write(const log::Batch& batch, bool sync) override {
    writes++;
    return MemoryDisk::write(batch, sync);
  }
  size_t writes = 0;
};

IndexRoom make_room() {
  auto disk = std::make_shared<CountingDisk>();
  auto index = make_memory_index(*disk);
  REQUIRE(index);
  return {std::move(*index), [disk] { return disk->writes; }};
}

std::unique_ptr<VectorIndex> open(log::Disk& disk, MemoryIndexLimits limits = {}) {
  auto index = make_memory_index(disk, limits);
  REQUIRE(index);
  return std::move(*index);
}

}  // namespace

TEST_CASE("the embedded index makes classes as every index does", "[S2-28a][S2-28b][S2-28c][S2-35][S2-73]") {
  index_schema_contract(make_room);
}

TEST_CASE("the embedded index takes objects as every index does", "[S2-35][S2-74]") {
  index_object_contract(make_room);
}

TEST_CASE("classes, properties and vectors are there after a restart", "[S2-35]") {
  log::MemoryDisk disk;
  auto index = open(disk);
  REQUIRE(index->ensure_class(kAsset, {}));
  REQUIRE(index->ensure_properties({"Asset", {{"later", "boolean"}}}, {}));
  REQUIRE(index->upsert_vector("Asset", "a", {1.5, 0.1F}, {{"title", "t"}, {"later", true}}));

  index = open(disk);
  CHECK(*index->classes() == std::vector<std::string>{"Asset"});
  CHECK(outcome_of(index->ensure_properties({"Asset", {{"later", "int"}}}, {})) == "incompatible");
  const auto found = index->find_vector("Asset", "a");
  REQUIRE(*found);
  CHECK((*found)->vector == std::vector<float>{1.5, 0.1F});
  CHECK((*found)->meta == Json{{"title", "t"}, {"later", true}, {"externalId", "a"}});
  CHECK(code_of(index->upsert_vector("Asset", "b", {1}, nullptr)) == "field.invalid");
}

TEST_CASE("objects stay whatever is made sure of their class", "[S2-29]") {
  log::MemoryDisk disk;
  const auto index = open(disk);
  REQUIRE(index->ensure_class(kAsset, {}));
  REQUIRE(index->upsert_vector("Asset", "a", {1.5, 0.1F}, {{"title", "t"}}));
  REQUIRE(index->ensure_class({"Asset", {}}, {}));
  REQUIRE(index->ensure_properties({"asset", {{"title", "int"}, {"more", "text"}}}, {}));
  REQUIRE(index->ensure_properties({"Asset", {}}, {}));
  const auto found = index->find_vector("Asset", "a");
  REQUIRE(*found);
  CHECK((*found)->vector == std::vector<float>{1.5, 0.1F});
  CHECK((*found)->meta == Json{{"title", "t"}, {"externalId", "a"}});
}

TEST_CASE("an object that was taken outlives the power with its class, whatever else is lost") {
  for (size_t kept = 0;; kept++) {
    log::MemoryDisk disk;
    auto index = open(disk);
    REQUIRE(index->ensure_class(kAsset, {}));
    REQUIRE(index->upsert_vector("Asset", "a", {1, 2}, nullptr));
    REQUIRE(index->ensure_class({"Late", {}}, {}));
    REQUIRE(index->ensure_properties({"Asset", {{"late", "int"}}}, {}));
    const auto unsynced = disk.unsynced();
    CHECK(unsynced == 2);
    disk.lose_power(kept);

    index = open(disk);
    REQUIRE(*index->find_vector("Asset", "a"));
    CHECK(outcome_of(index->ensure_properties(kAsset, {})) == "in_sync");
    CHECK(outcome_of(index->ensure_class({"Late", {}}, {})) == (kept > 0 ? "in_sync" : "changed"));
    CHECK(outcome_of(index->ensure_properties({"Asset", {{"late", "int"}}}, {})) ==
          (kept > 1 ? "in_sync" : "changed"));
    if (kept == unsynced) break;
  }
}

TEST_CASE("a disk that does not write is told, and nothing is shown that it does not hold") {
  log::MemoryDisk disk;
  auto index = open(disk);
  REQUIRE(index->ensure_class(kAsset, {}));
  disk.fail_writes(true);
  CHECK(outcome_of(index->ensure_class({"Other", {}}, {})).starts_with("log.unwritable"));
  CHECK(outcome_of(index->ensure_properties({"Asset", {{"late", "int"}}}, {})).starts_with("log.unwritable"));
  CHECK(code_of(index->upsert_vector("Asset", "5178c309-8346-572d-b13d-c8b68cff10be", {1}, nullptr)) ==
        "log.unwritable");
  CHECK(*index->classes() == std::vector<std::string>{"Asset"});
  CHECK_FALSE(*index->find_vector("Asset", "5178c309-8346-572d-b13d-c8b68cff10be"));
  disk.fail_writes(false);
  REQUIRE(disk.reopen());
  CHECK(outcome_of(index->ensure_properties({"Asset", {{"late", "int"}}}, {})) == "changed");
}

TEST_CASE("a disk that does not read is told at the start, and what nobody wrote is passed over") {
  log::MemoryDisk disk;
  REQUIRE(open(disk)->ensure_class(kAsset, {}));
  disk.fail_reads(true);
  CHECK(make_memory_index(disk).error().code == "log.unwritable");
  disk.fail_reads(false);
  log::Batch batch;
  batch.put(log::Column::local, "vectors/class/broken", "\xff\xff");
  batch.put(log::Column::local, "vectors/class/odd", std::string(1, '\x05'));
  batch.put(log::Column::local, "vectors/object/asset/x", std::string(1, '\x05'));
  batch.put(log::Column::local, "vectors/object/nobody", "");
  REQUIRE(disk.write(batch, true));
  CHECK(*open(disk)->classes() == std::vector<std::string>{"Asset"});
}

TEST_CASE("the embedded index takes so much and no more, and still replaces") {
  log::MemoryDisk disk;
  MemoryIndexLimits limits;
  limits.classes = 2;
  limits.objects = 2;
  limits.bytes = 4'000;
  auto index = open(disk, limits);
  REQUIRE(index->ensure_class(kAsset, {}));
  REQUIRE(index->ensure_class({"Second", {}}, {}));
  CHECK(outcome_of(index->ensure_class({"Third", {}}, {})).starts_with("backend.limit"));
  for (const auto* id : {"a", "b"}) REQUIRE(index->upsert_vector("Asset", id, {1, 2}, nullptr));
  for (int restart = 0; restart < 2; restart++) {
    CHECK(code_of(index->upsert_vector("Asset", "c", {1, 2}, nullptr)) == "backend.limit");
    CHECK(code_of(index->upsert_vector("Asset", "b", {3, 4}, nullptr)) == "");
    CHECK(code_of(index->upsert_vector("Asset", "b", {3, 4}, {{"title", std::string(5'000, 'x')}})) ==
          "backend.limit");
    CHECK((*index->find_vector("Asset", "b"))->vector == std::vector<float>{3, 4});
    index = open(disk, limits);
  }
}

TEST_CASE("a thousand classes are a write each", "[S2-35]") {
  CountingDisk disk;
  auto index = open(disk);
  for (int i = 0; i < 1'000; i++) {
    auto spec = kAsset;
    spec.name += std::to_string(i);
    REQUIRE(outcome_of(index->ensure_class(spec, {})) == "changed");
    REQUIRE(outcome_of(index->ensure_properties(spec, {})) == "in_sync");
  }
  CHECK(disk.writes == 1'000);
}
