// Shows when the folder store writes and waits for the disk: once for many buckets, each whole or not at all.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/folder_storage.hpp"
#include "adapters/keys.hpp"

using namespace muster;
using environment::Outcome;
namespace fs = std::filesystem;

namespace {

std::atomic<int> syncs{0};
std::atomic<int> steps_to_live{0};  // After so many the process is killed; 0: never.
std::string broken;                 // What ends like this cannot be synced; empty: all can.
std::function<void()> meanwhile;    // Happens while it is waited for.

void step() {
  if (steps_to_live > 0 && --steps_to_live == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

/// In place of the system's: as that one, counted, and failing where a disk is to.
extern "C" int fsync(int file) {
  syncs++;
  step();
  std::error_code none;
  const auto path = fs::read_symlink("/proc/self/fd/" + std::to_string(file), none).string();
  if (!broken.empty() && path.ends_with(broken)) return errno = EIO, -1;
  if (meanwhile) meanwhile();
  return static_cast<int>(::syscall(SYS_fsync, file));
}

extern "C" int rename(const char* from, const char* to) {
  step();
  const auto renamed = static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
  step();
  return renamed;
}

namespace {

constexpr int kFolders = 3;  // That of the meta files, the root and the one above.

/// A store whose root is not there yet.
struct Room {
  ~Room() {
    broken.clear();
    meanwhile = {};
    fs::remove_all(path);
  }

  [[nodiscard]] fs::path meta() const { return path / "objects" / ".meta"; }
  [[nodiscard]] Json read(const std::string& bucket) const {
    return Json::parse(read_file(meta() / (bucket + ".json"), 1 << 20).operator*());
  }
  void write(const std::string& bucket, const Json& text) const {
    fs::create_directories(meta());
    std::ofstream(meta() / (bucket + ".json")) << text;
  }
  /// All that is in the folder of meta files.
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(meta())) names.insert(entry.path().filename());
    return names;
  }

  /// What came of giving a bucket all that it can have.
  std::vector<Outcome> ensure(const std::string& bucket, int days = 7, bool dry_run = false) {
    const environment::Ask ask{"", dry_run};
    std::vector<Outcome> came;
    for (const auto& told :
         {storage.ensure_bucket(bucket, ask), storage.ensure_versioning(bucket, true, ask),
          storage.ensure_lifecycle(bucket, {{"tmp-" + std::to_string(days), "tmp/", days}}, ask),
          storage.ensure_tags(bucket, {{"days", std::to_string(days)}}, ask)}) {
      REQUIRE(told);
      came.push_back(told->outcome);
    }
    return came;
  }
  /// How often the disk was waited for meanwhile.
  int make(const std::string& bucket, int days = 7) {
    const int before = syncs;
    (void)ensure(bucket, days);
    return syncs - before;
  }
  int settle() {
    const int before = syncs;
    REQUIRE(storage.settle().empty());
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

using Outcomes = std::vector<Outcome>;
using Names = std::set<std::string>;
const Outcomes kChanged(4, Outcome::changed), kInSync(4, Outcome::in_sync);
const Outcomes kOnlyThere{Outcome::in_sync, Outcome::changed, Outcome::changed, Outcome::changed};

/// What is kept of a bucket after Room::ensure().
Json all_of(int days) {
  const auto text = std::to_string(days);
  return {{"lifecycle", {{{"id", "tmp-" + text}, {"prefix", "tmp/"}, {"expire_days", days}}}},
          {"tags", {{"days", text}}},
          {"versioning", "Enabled"}};
}

}  // namespace

TEST_CASE("what buckets get is written once, at their end, and waited for with a file of each", "[S2-68]") {
  Room room;
  CHECK(room.make("first") + room.make("second") == 0);
  CHECK_FALSE(fs::exists(room.meta()));
  CHECK(room.ensure("first") == kInSync);
  CHECK(room.settle() == 2 + kFolders);
  CHECK(room.files() == Names{"first.json", "second.json"});
  CHECK(room.read("first") == all_of(7));
  CHECK(room.settle() == 0);
  CHECK(room.make("first", 8) == 0);
  CHECK(room.read("first") == all_of(7));
  CHECK(room.settle() == 1 + kFolders);
  CHECK(room.read("first")["lifecycle"].size() == 2);
  CHECK(room.files() == Names{"first.json", "second.json"});
}

TEST_CASE("some files are waited for at once", "[S2-68]") {
  Room room;
  (void)room.ensure("first");
  (void)room.ensure("second");
  std::atomic<int> under_way{0};
  std::atomic<bool> at_once{false};
  meanwhile = [&] {
    if (++under_way > 1) at_once = true;
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!at_once && std::chrono::steady_clock::now() < late) std::this_thread::yield();
    under_way--;
  };
  (void)room.settle();
  CHECK(at_once);
}

TEST_CASE("what is not written yet counts for objects already", "[S2-68]") {
  Room room;
  (void)room.ensure("first");
  for (const auto* body : {"one", "two"}) REQUIRE(room.storage.put_object("first", "tmp/a", body));
  CHECK(room.storage.versions("first", "tmp/a")->size() == 1);
  CHECK(*room.storage.expire(system_now() + std::chrono::hours{24 * 8}) == 1);
  CHECK(room.storage.versions("first", "tmp/a")->size() == 2);
  CHECK_FALSE(fs::exists(room.meta()));
}

TEST_CASE("what others write before a bucket's file is replaced stays", "[S2-68]") {
  Room room;
  fs::create_directories(room.path / "objects" / "first");
  room.write("first", {{"tags", {{"owner", "somebody"}}}});
  (void)room.ensure("first");
  room.write("first", {{"tags", {{"owner", "another"}}}, {"lifecycle", all_of(7)["lifecycle"]}});
  (void)room.settle();
  CHECK(room.read("first")["tags"] == Json{{"owner", "another"}, {"days", "7"}});
  CHECK(room.read("first")["lifecycle"] == all_of(7)["lifecycle"]);

  (void)room.ensure("first", 8);
  meanwhile = [&] { room.write("first", {{"note", "written while the disk was waited for"}}); };
  const auto unkept = room.storage.settle();
  meanwhile = {};
  REQUIRE(unkept.size() == 1);
  CHECK(unkept.at("first").why.ends_with("was changed meanwhile"));
  CHECK_FALSE(unkept.at("first").written);
  CHECK(room.read("first").size() == 1);
  CHECK(room.files() == Names{"first.json"});
  CHECK(room.ensure("first", 8) == kOnlyThere);
  (void)room.settle();
  CHECK(room.read("first").contains("note"));
  CHECK(room.read("first")["tags"] == all_of(8)["tags"]);
}

TEST_CASE("a file that cannot be synced is missing until it can, and holds up no other", "[S2-68]") {
  Room room;
  broken = "/first.json.tmp";
  CHECK(room.ensure("first") == kChanged);
  CHECK(room.ensure("second") == kChanged);
  for (int look = 0; look < 3; look++) {
    const auto unkept = room.storage.settle();
    REQUIRE(unkept.size() == 1);
    CHECK(unkept.at("first").why.ends_with("Input/output error"));
    CHECK_FALSE(unkept.at("first").written);
    CHECK(room.files() == Names{"second.json"});
    CHECK(room.ensure("second", 7, true) == kInSync);
    CHECK(room.ensure("first", 7, true) == kOnlyThere);
    CHECK(room.ensure("first") == kOnlyThere);
  }
  broken.clear();
  CHECK(room.settle() == 1 + kFolders);
  CHECK(room.read("first") == all_of(7));
}

TEST_CASE("a folder that cannot be synced is waited for again by each look, also when nothing is written",
          "[S2-68]") {
  Room room;
  broken = "/.meta";
  (void)room.ensure("first");
  for (int look = 0; look < 3; look++) {
    const auto unkept = room.storage.settle();
    REQUIRE(unkept.size() == 1);
    CHECK(unkept.at("first").why.ends_with("Input/output error"));
    CHECK(unkept.at("first").written);
    CHECK(room.ensure("first", 7, true) == kInSync);
  }
  broken.clear();
  CHECK(room.settle() == kFolders);
  CHECK(room.settle() == 0);
}

TEST_CASE("what cannot be written is missing, and what was there stays", "[S2-68]") {
  Room room;
  (void)room.ensure("first");
  (void)room.settle();
  fs::create_directory(room.meta() / "first.json.tmp");
  (void)room.ensure("first", 8);
  const auto unkept = room.storage.settle();
  REQUIRE(unkept.size() == 1);
  CHECK(unkept.at("first").why.starts_with("cannot write "));
  CHECK(room.read("first") == all_of(7));
  room.write("first", {{"tags", 7}});
  CHECK(room.storage.settle().empty());  // It was given up.
  fs::remove_all(room.meta());
  (void)room.ensure("second");
  std::ofstream(room.meta()) << "no folder";
  CHECK(room.storage.settle().contains("second"));
}

TEST_CASE("what is removed is gone from the disk at once", "[S2-68]") {
  Room room;
  (void)room.ensure("first");
  (void)room.settle();
  CHECK(room.storage.remove_tag("first", "days", "7", {})->outcome == Outcome::changed);
  CHECK(room.read("first")["tags"].empty());
  broken = "/first.json.tmp";
  const auto removed = room.storage.remove_rule("first", {"tmp-7", "tmp/", 7}, {});
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == "storage.degraded");
  CHECK(room.read("first")["lifecycle"].size() == 1);
  broken.clear();
  CHECK(room.storage.remove_rule("first", {"tmp-7", "tmp/", 7}, {})->outcome == Outcome::changed);
}

TEST_CASE("a kill at any moment leaves each bucket as before or as after", "[S2-45][S2-68]") {
  bool killed = true;
  int before = 0, after = 0;
  for (int steps = 1; killed; steps++) {
    Room room;
    (void)room.ensure("old");
    (void)room.settle();
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      steps_to_live = steps;
      (void)room.ensure("old", 8);
      (void)room.ensure("new", 8);
      ::_exit(room.storage.settle().empty() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    killed = WIFSIGNALED(status);
    if (!killed) CHECK(status == 0);
    FolderStorage next(room.path / "objects");
    const auto is_old = room.read("old") == all_of(7), has_new = fs::exists(room.meta() / "new.json");
    (is_old ? before : after)++;
    if (!is_old) CHECK(room.read("old")["lifecycle"].size() == 2);
    if (has_new) CHECK(room.read("new") == all_of(8));
    CHECK((killed || (!is_old && has_new)));
    (void)room.ensure("old", 8);
    (void)room.ensure("new", 8);
    (void)room.settle();
    CHECK(room.read("new") == all_of(8));
    CHECK(room.files() == Names{"new.json", "old.json"});
  }
  CHECK(before >= 2);
  CHECK(after >= 2);
}
