// Shows when the folder store waits for the disk: once for many new buckets, at once for what others may own.
#include <atomic>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include "adapters/folder_storage.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

std::atomic<int> syncs{0};

}  // namespace

/// In place of the system's: as that one, and counted.
extern "C" int fsync(int file) {
  syncs++;
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace {

constexpr int kFolders = 3;  // That of the meta files, the root and the one above.

/// A store whose root is not there yet.
struct Room {
  ~Room() { fs::remove_all(path); }

  /// How often the disk was waited for while a bucket got all that it can have.
  int make(const std::string& bucket, int days = 7) {
    const int before = syncs;
    REQUIRE(storage.ensure_bucket(bucket, {}));
    REQUIRE(storage.ensure_versioning(bucket, true, {}));
    REQUIRE(storage.ensure_lifecycle(bucket, {{"tmp-" + std::to_string(days), "tmp/", days}}, {}));
    REQUIRE(storage.ensure_tags(bucket, {{"days", std::to_string(days)}}, {}));
    return syncs - before;
  }
  int settle() {
    const int before = syncs;
    REQUIRE(storage.settle());
    return syncs - before;
  }

  const fs::path path = fresh();
  FolderStorage storage{path / "objects"};

private:
  static fs::path fresh() {
    std::string name = fs::temp_directory_path() / "settling-XXXXXX";
    return fs::canonical(mkdtemp(name.data()));
  }
};

}  // namespace

TEST_CASE("new buckets are waited for once, at their end, and a file of each", "[S2-68]") {
  Room room;
  CHECK(room.make("first") + room.make("second") == 0);
  CHECK(room.settle() == 2 + kFolders);
  CHECK(room.settle() == kFolders);
}

TEST_CASE("what was there before is replaced by what is on the disk already", "[S2-68]") {
  Room room;
  CHECK(room.make("first") == 0);
  (void)room.settle();
  CHECK(room.make("first", 8) > 0);
  fs::create_directories(room.path / "objects" / "second");
  std::ofstream(room.path / "objects" / ".meta" / "second.json") << R"({"tags": {"owner": "somebody"}})";
  CHECK(room.make("second") > 0);
}

TEST_CASE("a disk that cannot be waited for is told, and what went away is not missed", "[S2-68]") {
  Room room;
  CHECK(room.storage.settle());
  CHECK(room.make("first") == 0);
  fs::remove(room.path / "objects" / ".meta" / "first.json");
  CHECK(room.storage.settle());
  CHECK(room.make("second") == 0);
  fs::remove_all(room.path / "objects" / ".meta");
  std::ofstream(room.path / "objects" / ".meta") << "no folder";
  const auto settled = room.storage.settle();
  REQUIRE(!settled);
  CHECK(settled.error().code == "storage.degraded");
}
