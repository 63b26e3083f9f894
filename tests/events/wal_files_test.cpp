// RocksDB's log behind filler: what a crash leaves is read up to the first byte that is not as it was
// written.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

#include "base/hash.hpp"
#include "events/log/rocks_disk.hpp"

using namespace muster;
using namespace muster::log;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("muster-wal-" + random_hex(8));
  ~Folder() { fs::remove_all(path); }
};

std::unique_ptr<Disk> open_disk(const fs::path& folder) {
  auto disk = open_rocks_disk(folder.string(), Access::read_write);
  if (!disk) FAIL(disk.error().detail);
  return std::move(*disk);
}

constexpr size_t kValue = 5000;  // Longer than a page.

void put(Disk& disk, const std::string& key) {
  Batch batch;
  batch.put(Column::events, key, std::string(kValue, key.front()));
  REQUIRE(disk.write(batch, true));
}

std::string keys(const Disk& disk) {
  std::string found;
  disk.scan(Column::events, "", "", [&](auto key, auto) { return found.append(key).append(" "), true; });
  return found;
}

fs::path newest_log(const fs::path& folder) {
  fs::path newest;
  for (const auto& file : fs::directory_iterator{folder})
    if (file.path().extension() == ".log") newest = std::max(newest, file.path());
  REQUIRE_FALSE(newest.empty());
  return newest;
}

std::string content(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A store of "a", "b" and "c", each synced, copied while it is open and behind filler.
void crash_into(const fs::path& live, const fs::path& copy) {
  const auto disk = open_disk(live);
  for (const auto* key : {"a", "b", "c"}) put(*disk, key);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (!content(newest_log(live)).ends_with('\xff')) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
  fs::copy(live, copy);
}

}  // namespace

TEST_CASE("what was synced is there after a crash, and the store goes on", "[S0-02]") {
  Folder live, copy;
  crash_into(live.path, copy.path);
  {
    const auto disk = open_disk(copy.path);
    CHECK(keys(*disk) == "a b c ");
    put(*disk, "d");
  }
  CHECK(keys(*open_disk(copy.path)) == "a b c d ");
}

TEST_CASE("a record that a crash took hides those behind it") {
  Folder live, copy;
  crash_into(live.path, copy.path);
  const auto log = newest_log(copy.path);
  auto bytes = content(log);
  const auto lost = bytes.find("bbbb");
  REQUIRE(lost != std::string::npos);
  SECTION("as a whole") {
    bytes.replace(lost - 20, kValue + 20, kValue + 20, '\xff');
  }
  SECTION("one page of it") {
    bytes.replace(lost + 100, 4096, 4096, '\xff');
  }
  std::ofstream{log, std::ios::binary} << bytes;
  {
    const auto disk = open_disk(copy.path);
    CHECK(keys(*disk) == "a ");
    put(*disk, "d");
  }
  CHECK(keys(*open_disk(copy.path)) == "a d ");
}

TEST_CASE("a store that was closed leaves no filler") {
  Folder folder;
  {
    const auto disk = open_disk(folder.path);
    put(*disk, "a");
  }
  for (const auto& file : fs::directory_iterator{folder.path})
    if (file.path().extension() == ".log") CHECK(fs::file_size(file.path()) < 10 * kValue);
}
