// What every Disk promises, whatever it is made of; and what only one of them does.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "events/log/memory_disk.hpp"
#include "events/log/rocks_disk.hpp"
#include "events/log/snapshot.hpp"

using namespace muster;
using namespace muster::log;

namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("muster-disk-" + random_hex(8))).string();
  ~Folder() { std::filesystem::remove_all(path); }
};

std::unique_ptr<Disk> rocks(const Folder& folder, Access access = Access::read_write) {
  auto disk = open_rocks_disk(folder.path, access);
  if (!disk) FAIL(disk.error().detail);
  return std::move(*disk);
}

Batch one(Column column, std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(column, key, value);
  return batch;
}

std::string keys(const Disk& disk, Column column, std::string_view from, std::string_view to) {
  std::string found;
  disk.scan(column, from, to, [&](auto key, auto) { return found.append(key).append(" "), true; });
  return found;
}

}  // namespace

TEST_CASE("a disk keeps columns apart, in order, and changes them by whole batches", "[S0-02]") {
  Folder folder;
  const bool durable = GENERATE(true, false);
  const auto disk = durable ? rocks(folder) : std::unique_ptr<Disk>{std::make_unique<MemoryDisk>()};

  Batch batch;
  for (const auto* key : {"b", "d", "a", "c"}) batch.put(Column::events, key, std::string{"="} + key);
  batch.put(Column::meta, "b", "other");
  REQUIRE(disk->write(batch, true));
  CHECK(disk->get(Column::events, "b") == "=b");
  CHECK(disk->get(Column::meta, "b") == "other");
  CHECK_FALSE(disk->get(Column::raft, "b"));
  CHECK(keys(*disk, Column::events, "", "") == "a b c d ");
  CHECK(keys(*disk, Column::events, "b", "d") == "b c ");

  SECTION("the last key, below another or at all") {
    CHECK(disk->last(Column::events, "") == std::pair<std::string, std::string>{"d", "=d"});
    CHECK(disk->last(Column::events, "c")->first == "b");
    CHECK(disk->last(Column::events, "cc")->first == "c");
    CHECK_FALSE(disk->last(Column::events, "a"));
    CHECK_FALSE(disk->last(Column::local, ""));
  }
  SECTION("a visit stops when it says so, and may read meanwhile") {
    size_t visits = 0;
    disk->scan(Column::events, "", "", [&](auto key, auto value) {
      CHECK(disk->get(Column::events, key) == value);
      return ++visits < 2;
    });
    CHECK(visits == 2);
  }
  SECTION("later changes of one batch win, ranges exclude their end") {
    batch.clear();
    CHECK(batch.empty());
    batch.put(Column::events, "a", "new");
    batch.erase_range(Column::events, "a", "c");
    batch.put(Column::events, "b", "newer");
    batch.erase(Column::events, "d");
    batch.erase_range(Column::events, "z", "a");  // Empty.
    REQUIRE(disk->write(batch, false));
    REQUIRE(disk->sync());
    CHECK(keys(*disk, Column::events, "", "") == "b c ");
    CHECK(disk->get(Column::events, "b") == "newer");
  }
  SECTION("any bytes are keys and values") {
    const std::string odd{"\0\xff\n", 3};
    REQUIRE(disk->write(one(Column::local, odd, std::string(100'000, '\0')), true));
    CHECK(disk->get(Column::local, odd)->size() == 100'000);
    CHECK(disk->size(Column::local) >= 100'000);
  }
  SECTION("a healthy disk may be reopened") {
    REQUIRE(disk->reopen());
    CHECK(disk->get(Column::events, "b") == "=b");
    CHECK(disk->write(one(Column::events, "e", ""), true));
  }
}

TEST_CASE("a snapshot shows one moment, whatever is written and erased later", "[S0-02]") {
  Folder folder;
  const bool durable = GENERATE(true, false);
  const auto disk = durable ? rocks(folder) : std::unique_ptr<Disk>{std::make_unique<MemoryDisk>()};
  for (const auto* key : {"a", "b", "c"}) REQUIRE(disk->write(one(Column::events, key, "then"), true));
  auto then = snapshot(*disk);
  Batch batch;
  batch.erase_range(Column::events, "a", "c");
  batch.put(Column::events, "c", "now");
  batch.put(Column::events, "d", "now");
  REQUIRE(disk->write(batch, true));

  CHECK(keys(*disk, Column::events, "", "") == "c d ");
  CHECK(keys(*then, Column::events, "", "") == "a b c ");
  CHECK(then->get(Column::events, "c") == "then");
  CHECK_FALSE(then->get(Column::events, "d"));
  CHECK(then->last(Column::events, "")->first == "c");
  CHECK(then->last(Column::events, "b")->first == "a");
  CHECK_FALSE(then->write(one(Column::events, "e", ""), true));
  CHECK(keys(*snapshot(*disk), Column::events, "", "") == "c d ");
  then.reset();
  CHECK(disk->write(one(Column::events, "e", ""), true));
}

TEST_CASE("a snapshot does not hinder reopening a store, and is of no use after it", "[S0-02]") {
  Folder folder;
  auto disk = rocks(folder);
  REQUIRE(disk->write(one(Column::events, "1", "one"), true));
  const auto then = snapshot(*disk);
  REQUIRE(disk->reopen());
  CHECK_THROWS_AS(then->get(Column::events, "1"), Unreadable);
  CHECK(snapshot(*disk)->get(Column::events, "1") == "one");
}

TEST_CASE("number keys sort by number and read back") {
  CHECK(number_key(255) < number_key(256));
  CHECK(number_of(number_key(0x0102030405060708)) == 0x0102030405060708);
  CHECK(number_of("short") == 0);
}

TEST_CASE("a power cut takes unsynced batches from the end, never from the middle") {
  MemoryDisk disk;
  REQUIRE(disk.write(one(Column::events, "1", ""), true));
  for (const auto* key : {"2", "3", "4"}) REQUIRE(disk.write(one(Column::events, key, ""), false));
  CHECK(disk.unsynced() == 3);
  CHECK(keys(disk, Column::events, "", "") == "1 2 3 4 ");
  disk.lose_power(1);
  CHECK(keys(disk, Column::events, "", "") == "1 2 ");
  REQUIRE(disk.write(one(Column::events, "5", ""), false));
  REQUIRE(disk.write(one(Column::events, "6", ""), true));  // Syncs all before it.
  disk.lose_power(0);
  CHECK(keys(disk, Column::events, "", "") == "1 2 5 6 ");
}

TEST_CASE("after a failed write every write fails until the disk is reopened") {
  MemoryDisk disk;
  disk.fail_writes(true);
  const auto failed = disk.write(one(Column::events, "1", ""), true);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == "log.unwritable");
  CHECK_FALSE(disk.reopen());
  disk.fail_writes(false);
  CHECK_FALSE(disk.write(one(Column::events, "2", ""), true));
  REQUIRE(disk.reopen());
  CHECK(disk.write(one(Column::events, "3", ""), true));
  CHECK(keys(disk, Column::events, "", "") == "3 ");
}

TEST_CASE("a store is opened by one writer, and by readers beside it", "[S0-02]") {
  Folder folder;
  auto writer = rocks(folder);
  REQUIRE(writer->write(one(Column::events, "1", "one"), true));
  const auto second = open_rocks_disk(folder.path, Access::read_write);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == "log.unwritable");

  auto reader = rocks(folder, Access::read_only);
  CHECK(reader->get(Column::events, "1") == "one");
  CHECK_FALSE(reader->write(one(Column::events, "2", ""), true));
  CHECK_FALSE(reader->reopen());
  REQUIRE(writer->write(one(Column::events, "2", "two"), true));
  CHECK(rocks(folder, Access::read_only)->get(Column::events, "2") == "two");

  writer.reset();
  CHECK(rocks(folder)->get(Column::events, "2") == "two");
}

TEST_CASE("opening what is not there, or cannot be, is refused with the reason", "[S0-02]") {
  Folder folder;
  const auto absent = open_rocks_disk(folder.path, Access::read_only);
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code == "log.unwritable");
  CHECK_FALSE(std::filesystem::exists(folder.path));
  const auto impossible = open_rocks_disk("/proc/nowhere", Access::read_write);
  REQUIRE_FALSE(impossible);
  CHECK_THAT(impossible.error().detail, Catch::Contains("/proc/nowhere"));
}

TEST_CASE("readers go on while the store is reopened", "[S0-02]") {
  Folder folder;
  auto disk = rocks(folder);
  REQUIRE(disk->write(one(Column::events, "1", "one"), true));
  std::atomic<bool> stop{false}, wrong{false};
  std::thread reader{[&] {
    while (!stop) wrong = wrong || disk->get(Column::events, "1") != "one" || !disk->last(Column::events, "");
  }};
  for (int i = 0; i < 5; i++) CHECK(disk->reopen());
  stop = true;
  reader.join();
  CHECK_FALSE(wrong);
}

namespace {

/// In a process of its own, because limits and signals are: 0 when everything was as it should be.
int fill_and_mend(const std::string& folder) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto opened = open_rocks_disk(folder, Access::read_write);
  if (!opened) return 1;
  auto& disk = **opened;
  if (!disk.write(one(Column::events, "kept", "yes"), true)) return 2;
  rlimit all{};
  ::getrlimit(RLIMIT_FSIZE, &all);
  const rlimit little{4096, all.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  const auto full = disk.write(one(Column::events, "lost", std::string(100'000, 'x')), true);
  if (full || full.error().code != "log.unwritable" || full.error().detail.empty()) return 3;
  if (disk.get(Column::events, "kept") != "yes") return 4;  // Reads go on.
  if (disk.reopen()) return 5;                              // The probe fails: nothing was closed.
  if (disk.get(Column::events, "kept") != "yes") return 6;
  if (disk.write(one(Column::events, "later", ""), true)) return 7;
  ::setrlimit(RLIMIT_FSIZE, &all);
  if (disk.write(one(Column::events, "later", ""), true)) return 8;  // Not before reopen().
  if (!disk.reopen()) return 9;
  if (disk.get(Column::events, "kept") != "yes" || disk.get(Column::events, "lost")) return 10;
  return disk.write(one(Column::events, "later", ""), true) ? 0 : 11;
}

}  // namespace

TEST_CASE("a full disk refuses writes with the reason, serves reads, and recovers when there is room",
          "[S0-02][S0-05]") {
  Folder folder;
  const auto child = ::fork();
  if (child == 0) ::_exit(fill_and_mend(folder.path));
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
