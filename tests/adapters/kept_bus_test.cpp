// Shows what of the in-process bus is there after a restart, a power cut, and a disk that failed.
#include <filesystem>

#include <catch2/catch.hpp>

#include "adapters/memory_bus.hpp"
#include "base/hash.hpp"
#include "events/log/memory_disk.hpp"
#include "events/log/rocks_disk.hpp"
#include "tests/adapters/bus_contract.hpp"

using namespace muster;
using environment::Outcome;

namespace {

std::unique_ptr<MemoryBus> opened(log::Disk& disk, MemoryBusLimits limits = {}, Now now = system_now) {
  auto bus = MemoryBus::open(disk, "events", limits, std::move(now));
  if (!bus) FAIL(bus.error().detail);
  return std::move(*bus);
}

size_t rows(const log::Disk& disk) {
  size_t count = 0;
  disk.scan(log::Column::local, "bus/", "bus0", [&](auto, auto) { return ++count > 0; });
  return count;
}

}  // namespace

TEST_CASE("the in-process bus on a disk keeps the bus's contract", "[S1-12][S2-70][S2-71][S2-72]") {
  log::MemoryDisk disk;
  bus_contract([&] { return opened(disk); });
}

TEST_CASE("exchanges, queues, bindings and messages are there after a restart", "[S2-70]") {
  const std::string folder =
    (std::filesystem::temp_directory_path() / ("muster-bus-" + random_hex(8))).string();
  const std::string bytes("\0\xff/\n", 4);
  for (int life = 0; life < 3; life++) {
    auto disk = log::open_rocks_disk(folder, log::Access::read_write);
    REQUIRE(disk);
    const auto bus = opened(**disk);
    CHECK(bus->wanted() == (life > 0));
    const auto expected = life == 0 ? Outcome::changed : Outcome::in_sync;
    CHECK(bus->ensure_exchange({"dlx", "fanout"}, {})->outcome == expected);
    CHECK(bus->ensure_queue({bytes, 3600, "dlx"}, {})->outcome == expected);
    CHECK(bus->ensure_queue({"other"}, {})->outcome == expected);
    CHECK(bus->ensure_binding({"events", bytes, "a.#"}, {})->outcome == expected);
    CHECK(bus->ensure_binding({"events", "other", "#"}, {})->outcome == expected);
    const std::string key = "key-" + std::to_string(life);
    CHECK(bus->publish("a.b", bytes + std::to_string(life), key));
    CHECK(bus->publish("a.b", "again", "key-0"));  // Of the first life.
    CHECK(bus->depth(bytes)->messages == size_t(life) + 1);
    if (life < 2) continue;
    for (int i = 0; i < 3; i++) {
      const auto taken = bus->take(bytes);
      REQUIRE(taken);
      REQUIRE(*taken);
      CHECK((*taken)->body == bytes + std::to_string(i));
      CHECK((*taken)->topic == "a.b");
      CHECK((*taken)->exchange == "events");
      CHECK((*taken)->idempotency_key == "key-" + std::to_string(i));
    }
  }
  {
    auto disk = log::open_rocks_disk(folder, log::Access::read_write);
    REQUIRE(disk);
    const auto bus = opened(**disk);
    CHECK(bus->depth(bytes)->messages == 0);  // Taken before.
    CHECK(bus->depth("other")->messages == 3);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a binding that was taken away is away after a restart, and none is kept that is not there") {
  log::MemoryDisk disk;
  {
    const auto bus = opened(disk);
    REQUIRE(bus->ensure_queue({"work"}, {}));
    for (const auto* key : {"a", "b"}) REQUIRE(bus->ensure_binding({"amq.direct", "work", key}, {}));
    const auto before = rows(disk);
    CHECK(bus->remove_binding({"amq.direct", "work", "a"}, {"", true})->outcome == Outcome::changed);
    CHECK(rows(disk) == before);
    CHECK(bus->remove_binding({"amq.direct", "work", "a"}, {})->outcome == Outcome::changed);
    CHECK(rows(disk) == before - 1);
    CHECK(bus->remove_binding({"amq.direct", "work", "a"}, {})->outcome == Outcome::in_sync);
    disk.fail_writes(true);
    CHECK(bus->remove_binding({"amq.direct", "work", "b"}, {}).error().code == "log.unwritable");
    disk.fail_writes(false);
    REQUIRE(disk.reopen());
    CHECK(bus->remove_binding({"amq.direct", "work", "b"}, {})->outcome == Outcome::in_sync);
    CHECK(bus->publish_to("", "work", "x", ""));  // Now the disk has it, too.
  }
  const auto bus = opened(disk);
  for (const auto* key : {"a", "b"})
    CHECK(bus->remove_binding({"amq.direct", "work", key}, {})->outcome == Outcome::in_sync);
  CHECK(bus->depth("work")->messages == 1);
}

TEST_CASE("a lifetime goes on while nobody runs, and dead letters are kept", "[S2-70]") {
  log::MemoryDisk disk;
  Time now{Millis{1'000'000}};
  const auto clock = [&] { return now; };
  {
    const auto bus = opened(disk, {}, clock);
    REQUIRE(bus->ensure_exchange({"dlx", "fanout"}, {}));
    REQUIRE(bus->ensure_queue({"dead"}, {}));
    REQUIRE(bus->ensure_binding({"dlx", "dead", ""}, {}));
    REQUIRE(bus->ensure_queue({"work", 60, "dlx"}, {}));
    REQUIRE(bus->publish_to("", "work", "x", ""));
  }
  now += std::chrono::seconds{60};
  CHECK(opened(disk, {}, clock)->depth("work")->messages == 0);
  CHECK(body_of(*opened(disk, {}, clock), "dead") == "x");
  CHECK(opened(disk, {}, clock)->depth("dead")->messages == 0);
}

TEST_CASE("what was confirmed survives a power cut, in order", "[S2-72]") {
  for (size_t kept = 0; kept < 40; kept++) {
    log::MemoryDisk disk;
    {
      const auto bus = opened(disk);
      REQUIRE(bus->ensure_queue({"work"}, {}));
      for (int i = 0; i < 10; i++) REQUIRE(bus->publish_to("", "work", std::to_string(i), ""));
      CHECK(disk.unsynced() == 0);
      for (int i = 0; i < 5; i++) REQUIRE(body_of(*bus, "work") == std::to_string(i));
    }
    if (kept > disk.unsynced()) break;
    disk.lose_power(kept);
    const auto bus = opened(disk);
    for (size_t i = kept; i < 10; i++) CHECK(body_of(*bus, "work") == std::to_string(i));
    CHECK(bus->depth("work")->messages == 0);
  }
}

TEST_CASE("while the disk fails nothing is confirmed, and what was refused may be repeated with its key") {
  log::MemoryDisk disk;
  {
    const auto bus = opened(disk);
    REQUIRE(bus->ensure_queue({"work"}, {}));
    REQUIRE(bus->publish_to("", "work", "1", "k1"));
    disk.fail_writes(true);
    CHECK(bus->publish_to("", "work", "2", "k2").error().code == "log.unwritable");
    CHECK(bus->publish_to("", "work", "3", "k3").error().code == "log.unwritable");
    CHECK(bus->ensure_queue({"more"}, {}).error().code == "log.unwritable");
    CHECK(body_of(*bus, "work") == "1");  // Reading goes on.
    disk.fail_writes(false);
    REQUIRE(disk.reopen());
    CHECK(bus->publish_to("", "work", "2", "k2"));
    CHECK(bus->publish_to("", "work", "3", "k3"));
    CHECK(disk.unsynced() == 0);
  }
  const auto bus = opened(disk);
  CHECK(body_of(*bus, "work") == "2");
  CHECK(body_of(*bus, "work") == "3");
  CHECK(bus->depth("work")->messages == 0);
}

TEST_CASE("a disk that cannot be read is told, rows that make no sense are left out") {
  log::MemoryDisk disk;
  REQUIRE(opened(disk)->ensure_queue({"work"}, {}));
  log::Batch batch;
  for (const auto* key : {"bus/queue/short", "bus/binding/x", "bus/message/x", "bus/place/x", "bus/else/x"})
    batch.put(log::Column::local, key, "y");
  batch.put(log::Column::local, "bus/message/" + log::number_key(7), log::number_key(~0ULL));
  REQUIRE(disk.write(batch, true));
  CHECK(opened(disk)->depth("work")->messages == 0);
  CHECK(opened(disk)->depth("short").error().code == "bus.unknown");
  disk.fail_reads(true);
  CHECK(MemoryBus::open(disk).error().code == "log.unwritable");
}

TEST_CASE("what the disk holds of the bus does not grow with what went through it") {
  log::MemoryDisk disk;
  MemoryBusLimits limits;
  limits.remembered_keys = 4;
  limits.queue_messages = 3;
  const auto bus = opened(disk, limits);
  REQUIRE(bus->ensure_exchange({"all", "fanout"}, {}));
  for (const auto* queue : {"a", "b"}) {
    REQUIRE(bus->ensure_queue({queue}, {}));
    REQUIRE(bus->ensure_binding({"all", queue, ""}, {}));
  }
  for (int i = 0; i < 100; i++) REQUIRE(bus->publish_to("all", "", "x", std::to_string(i)));
  CHECK(rows(disk) == 1 + 2 + 2 + 3 + 6 + 4);  // The exchange, queues, bindings, messages, places, keys.
  for (int i = 0; i < 3; i++) REQUIRE(body_of(*bus, "a") == "x");
  for (int i = 0; i < 3; i++) REQUIRE(body_of(*bus, "b") == "x");
  CHECK(rows(disk) == 1 + 2 + 2 + 4);
}

TEST_CASE("all queues together are bounded, and the one that holds most gives way") {
  MemoryBusLimits limits;
  limits.all_bytes = 100;
  MemoryBus bus("events", limits);
  for (const auto* queue : {"big", "small"}) REQUIRE(bus.ensure_queue({queue}, {}));
  REQUIRE(bus.publish_to("", "small", "12345", ""));
  for (int i = 0; i < 20; i++) REQUIRE(bus.publish_to("", "big", "1234567890", ""));
  CHECK(bus.depth("small")->messages == 1);
  CHECK(bus.depth("big")->messages == 9);
  CHECK(bus.depth("big")->dropped == 11);
}

TEST_CASE("dead letters that spread on their way end, too") {
  MemoryBusLimits limits;
  limits.queue_messages = 1;
  MemoryBus bus("events", limits);
  REQUIRE(bus.ensure_exchange({"round", "fanout"}, {}));
  for (int i = 0; i < 20; i++) {
    REQUIRE(bus.ensure_queue({"q" + std::to_string(i), 0, "round"}, {}));
    REQUIRE(bus.ensure_binding({"round", "q" + std::to_string(i), ""}, {}));
  }
  for (int i = 0; i < 3; i++) REQUIRE(bus.publish_to("round", "k", "x", ""));  // 20^8 copies otherwise.
  CHECK(bus.depth("q0")->messages == 1);
}
