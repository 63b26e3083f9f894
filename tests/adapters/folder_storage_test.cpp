// Shows the folder store under the contract of every object storage, and its objects, versions and expiry.
#include "adapters/folder_storage.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>

#include "adapters/keys.hpp"
#include "tests/adapters/storage_contract.hpp"

using namespace muster;
using environment::Outcome;
namespace fs = std::filesystem;

namespace {

/// A root that is not there yet, in a folder that goes away.
class Room {
public:
  Room() {
    std::string name = fs::temp_directory_path() / "folder-XXXXXX";
    path_ = fs::canonical(mkdtemp(name.data()));
  }
  ~Room() { fs::remove_all(path_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  [[nodiscard]] fs::path root() const { return path_ / "store" / "objects"; }
  [[nodiscard]] fs::path meta(const std::string& bucket) const {
    return root() / ".meta" / (bucket + ".json");
  }
  [[nodiscard]] Json read(const std::string& bucket) const {
    return Json::parse(read_file(meta(bucket).string(), 1 << 20).operator*());
  }
  void write(const std::string& bucket, const std::string& text) const {
    fs::create_directories(root() / ".meta");
    std::ofstream(meta(bucket)) << text;
  }

private:
  fs::path path_;
};

const environment::Ask kApply{};

/// A bucket with what the tests of objects need.
void make_bucket(FolderStorage& storage, bool versioned,
                 const std::vector<profile::LifecycleRule>& rules = {}) {
  REQUIRE(storage.ensure_bucket("media", kApply));
  REQUIRE(storage.ensure_versioning("media", versioned, kApply));
  REQUIRE(storage.ensure_lifecycle("media", rules, kApply));
  REQUIRE(storage.settle().empty());
}

std::vector<std::string> keys_of(const Result<std::vector<ObjectInfo>>& listed) {
  REQUIRE(listed);
  std::vector<std::string> keys;
  for (const auto& object : *listed) keys.push_back(object.key);
  return keys;
}

Time in_days(double days) {
  return system_now() +
         std::chrono::duration_cast<Millis>(std::chrono::duration<double, std::ratio<86'400>>(days));
}

}  // namespace

TEST_CASE("the folder store keeps the contract of object storage", "[S1-13][S2-19][S2-68][S2-69]") {
  const Room room;
  test::StorageRoom given;
  given.storage = std::make_unique<FolderStorage>(room.root().string());
  given.by_hand = [&](const std::string& bucket) {
    auto meta = room.read(bucket);
    meta["lifecycle"].insert(
      meta["lifecycle"].begin(),
      Json{{"id", "archive"}, {"prefix", "archive/"}, {"expire_days", 365}, {"status", "Disabled"}});
    meta["lifecycle"].push_back({{"prefix", "cold/"}, {"move_to", {{"class", "tape"}}}});
    meta["tags"] = {{"cost-center", "42"}, {"owner", "nobody"}};
    meta["note"] = "kept";
    room.write(bucket, meta.dump());
  };
  given.foreign = [&](const std::string& bucket) {
    const auto meta = room.read(bucket);
    std::string text = meta["note"].dump() + meta["tags"]["cost-center"].dump();
    for (const auto& rule : meta["lifecycle"])
      if (!rule.contains("id") || rule["id"] == "archive") text += rule.dump();
    return text;
  };
  given.suspend = [&](const std::string& bucket) {
    auto meta = room.read(bucket);
    meta["versioning"] = "Suspended";
    room.write(bucket, meta.dump());
  };
  // Each write of a bucket's file makes a new one.
  int writes = 0;
  std::map<std::string, fs::file_time_type> seen;
  given.writes = [&] {
    std::error_code none;
    for (fs::recursive_directory_iterator entry(room.root(), none), end; entry != end; ++entry) {
      const auto name = entry->path().string();
      const auto time = entry->is_directory() ? fs::file_time_type{} : fs::last_write_time(entry->path());
      const auto [known, fresh] = seen.emplace(name, time);
      if (fresh || known->second != time) writes++;
      known->second = time;
    }
    return writes;
  };
  storage_contract(given, "media.one");
  CHECK(fs::status(room.root() / "media.one").permissions() == fs::perms{0755});
}

TEST_CASE("another store over the same folder finds all as it was") {
  const Room room;
  FolderStorage first(room.root().string());
  make_bucket(first, true, {{"tmp", "tmp/", 7}});
  REQUIRE(first.ensure_tags("media", {{"owner", "x"}}, kApply));
  REQUIRE(first.settle().empty());
  REQUIRE(first.put_object("media", "a/b", "one"));
  FolderStorage second(room.root().string());
  CHECK(*second.buckets() == std::vector<std::string>{"media"});
  CHECK(second.ensure_versioning("media", true, kApply)->outcome == Outcome::in_sync);
  CHECK(second.ensure_lifecycle("media", {{"tmp", "tmp/", 7}}, kApply)->outcome == Outcome::in_sync);
  CHECK(second.ensure_tags("media", {{"owner", "x"}}, kApply)->outcome == Outcome::in_sync);
  CHECK(*second.get_object("media", "a/b") == "one");
}

TEST_CASE("what is kept of a bucket and is broken is told and never replaced") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, false);
  std::string deep;
  for (int i = 0; i < 100'000; i++) deep += "[";
  for (const auto& text : {std::string("{"), std::string("[]"), std::string(R"({"lifecycle":{}})"),
                           std::string(R"({"tags":[]})"), std::string(R"({"versioning":"Maybe"})"),
                           std::string(R"({"versioning":7})"), std::string(R"({"lifecycle":[1]})"),
                           std::string(R"({"tags":{"a":1}})"), R"({"tags":)" + deep}) {
    room.write("media", text);
    CAPTURE(text.substr(0, 40));
    CHECK(storage.ensure_versioning("media", true, kApply).error().code == "backend.reply");
    CHECK(storage.ensure_lifecycle("media", {{"a", "", 1}}, kApply).error().code == "backend.reply");
    CHECK(storage.ensure_tags("media", {{"a", "b"}}, kApply).error().code == "backend.reply");
    CHECK(*read_file(room.meta("media").string(), 1 << 20) == text);
  }
  room.write("media", std::string(FolderStorage::kMaxMeta + 1, ' '));
  CHECK(storage.ensure_versioning("media", true, kApply).error().code == "storage.degraded");
  room.write("media", "");  // As a power cut may leave it.
  CHECK(storage.ensure_versioning("media", true, kApply)->outcome == Outcome::changed);
}

TEST_CASE("a file or a link in the place of a bucket is somebody else's") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, false);
  std::ofstream(room.root() / "file") << "x";
  fs::create_directory_symlink("/tmp", room.root() / "link");
  for (const auto* name : {"file", "link"}) {
    CHECK(storage.ensure_bucket(name, kApply).error().code == "backend.conflict");
    CHECK(storage.put_object(name, "a", "x").error().code == "backend.conflict");
  }
  CHECK(*storage.buckets() == std::vector<std::string>{"media"});
  FolderStorage nowhere((room.root() / "file" / "store").string());
  CHECK(nowhere.ensure_bucket("media", kApply).error().code == "storage.degraded");
}

TEST_CASE("objects are put whole, got, listed in order, and never outside of their bucket", "[S2-41]") {
  const Room room;
  FolderStorage storage(room.root().string());
  CHECK(storage.put_object("media", "a", "x").error().code == "not.found");
  make_bucket(storage, false);
  const std::string bytes("\0\xff\n", 3);
  for (const auto* key : {"b/c", "a", "b-", "b/a", "z/y/x"}) REQUIRE(storage.put_object("media", key, bytes));
  CHECK(*storage.get_object("media", "b/c") == bytes);
  CHECK(keys_of(storage.objects("media")) == std::vector<std::string>{"a", "b-", "b/a", "b/c", "z/y/x"});
  CHECK(keys_of(storage.objects("media", "b/")) == std::vector<std::string>{"b/a", "b/c"});
  CHECK(keys_of(storage.objects("media", "", "b/a")) == std::vector<std::string>{"b/c", "z/y/x"});
  CHECK(storage.objects("media")->front().bytes == 3);
  REQUIRE(storage.put_object("media", "a", "two"));
  CHECK(*storage.get_object("media", "a") == "two");
  CHECK(storage.versions("media", "a")->empty());

  CHECK(storage.get_object("media", "none").error().code == "not.found");
  CHECK(storage.get_object("media", "b").error().code == "not.found");
  CHECK(storage.put_object("media", "b", "x").error().code == "field.invalid");
  CHECK(storage.put_object("media", "a/b", "x").error().code == "field.invalid");
  for (const auto* key : {"../x", "/etc/passwd", "b/../../x", "", "b//c"}) {
    CHECK(storage.put_object("media", key, "x").error().code == "field.invalid");
    CHECK(storage.get_object("media", key).error().code == "field.invalid");
  }
  CHECK(storage.get_object("media", "a", "../../../a").error().code == "field.invalid");
  fs::create_directory_symlink(room.root().parent_path(), room.root() / "media" / "out");
  std::ofstream(room.root().parent_path() / "secret") << "x";
  CHECK(storage.get_object("media", "out/secret").error().code == "not.found");
  CHECK(storage.put_object("media", "out/new", "x").error().code == "field.invalid");
  CHECK_FALSE(fs::exists(room.root().parent_path() / "new"));
  CHECK(keys_of(storage.objects("media", "out")).empty());
  CHECK(storage.put_object("media", "big", std::string(FolderStorage::kMaxObject + 1, 'x')).error().code ==
        "body.too.large");
  CHECK(fs::is_empty(room.root() / ".tmp"));
}

TEST_CASE("with versions on, what is overwritten is kept") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, true);
  for (const auto* body : {"one", "two", "three"}) REQUIRE(storage.put_object("media", "a/b", body));
  CHECK(*storage.get_object("media", "a/b") == "three");
  const auto kept = storage.versions("media", "a/b");
  REQUIRE(kept);
  REQUIRE(kept->size() == 2);
  CHECK(*storage.get_object("media", "a/b", (*kept)[0].id) == "one");
  CHECK(*storage.get_object("media", "a/b", (*kept)[1].id) == "two");
  CHECK(storage.get_object("media", "a/b", "000-000").error().code == "not.found");
  CHECK(keys_of(storage.objects("media")) == std::vector<std::string>{"a/b"});
}

TEST_CASE("objects expire when they are as old as an enabled rule says, and not before", "[S2-68]") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, false, {{"tmp-7d", "tmp/", 7}});
  auto meta = room.read("media");
  meta["lifecycle"].push_back(
    {{"id", "off"}, {"prefix", "keep/"}, {"expire_days", 1}, {"status", "Disabled"}});
  meta["lifecycle"].push_back({{"id", "odd"}, {"prefix", "keep/"}, {"expire_days", -5}});
  meta["lifecycle"].push_back({{"id", "else"}, {"prefix", ""}});
  room.write("media", meta.dump());
  for (const auto* key : {"tmp/a", "tmp/deep/b", "keep/c"}) REQUIRE(storage.put_object("media", key, "x"));
  CHECK(*storage.expire(in_days(6.9)) == 0);
  CHECK(*storage.expire(in_days(7.1)) == 2);
  CHECK(storage.get_object("media", "tmp/a").error().code == "not.found");
  CHECK(keys_of(storage.objects("media")) == std::vector<std::string>{"keep/c"});
  CHECK_FALSE(fs::exists(room.root() / "media" / "tmp"));
  CHECK(fs::exists(room.root() / "media"));
  CHECK(storage.versions("media", "tmp/a")->empty());
  CHECK(*storage.expire(in_days(365)) == 0);
}

TEST_CASE("a rule that says more than is understood, or in another way, takes nothing away") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, false, {{"tmp-7d", "tmp/", 7}});
  const auto sound = room.read("media");
  for (const auto* key : {"keep/a", "raw/b"}) REQUIRE(storage.put_object("media", key, "x"));
  for (const auto* text : {R"({"filter":{"prefix":"raw/"}})", R"({"prefix":["raw/"]})", R"({"prefix":null})",
                           R"({"prefix":"","tags":{"a":"b"}})", R"({"prefix":"","status":"disabled"})",
                           R"({"prefix":"","status":false})"}) {
    CAPTURE(text);
    auto rule = *parse_json(text);
    rule["id"] = "by hand";
    rule["expire_days"] = 1;
    auto meta = sound;
    meta["lifecycle"].push_back(rule);
    room.write("media", meta.dump());
    CHECK(*storage.expire(in_days(100)) == 0);
  }
  auto meta = sound;
  meta["lifecycle"].push_back({{"prefix", "raw/"}, {"expire_days", 1}, {"status", "Enabled"}});
  room.write("media", meta.dump());
  CHECK(*storage.expire(in_days(100)) == 1);
  CHECK(keys_of(storage.objects("media")) == std::vector<std::string>{"keep/a"});
}

TEST_CASE("with versions on, what expires is kept as a version") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, true, {{"all", "", 1}});
  REQUIRE(storage.put_object("media", "a", "one"));
  CHECK(*storage.expire(in_days(1.1)) == 1);
  CHECK(storage.get_object("media", "a").error().code == "not.found");
  const auto kept = storage.versions("media", "a");
  REQUIRE(kept->size() == 1);
  CHECK(*storage.get_object("media", "a", kept->front().id) == "one");
  REQUIRE(storage.put_object("media", "a", "two"));
  CHECK(*storage.get_object("media", "a") == "two");
}

TEST_CASE("one broken bucket keeps no other from expiring, and leftovers go") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, false, {{"all", "", 1}});
  REQUIRE(storage.ensure_bucket("broken", kApply));
  REQUIRE(storage.put_object("broken", "a", "x"));
  REQUIRE(storage.put_object("media", "a", "x"));
  room.write("broken", "{");
  const auto put = room.root() / ".tmp" / "left", written = room.root() / ".meta" / "gone.json.tmp";
  for (const auto& left : {put, written}) std::ofstream(left) << "x";
  CHECK(*storage.expire(in_days(0.5)) == 0);
  for (const auto& left : {put, written}) CHECK(fs::exists(left));
  CHECK(*storage.expire(in_days(1.1)) == 1);
  for (const auto& left : {put, written}) CHECK_FALSE(fs::exists(left));
  CHECK(fs::exists(room.root() / "broken" / "a"));
}

TEST_CASE("many threads put, get and expire at once, and every object is one that was put") {
  const Room room;
  FolderStorage storage(room.root().string());
  make_bucket(storage, true, {{"all", "tmp/", 1}});
  std::atomic<int> odd{0}, put{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; i++) {
        if (storage.put_object("media", "tmp/deep/x", std::string(10'000, static_cast<char>('a' + t)))) put++;
        const auto got = storage.get_object("media", "tmp/deep/x");
        if (got && (got->size() != 10'000 || got->find_first_not_of((*got)[0]) != std::string::npos)) odd++;
        if (i % 5 == t) (void)storage.expire(in_days(2));
        (void)storage.ensure_tags("media", {{"t" + std::to_string(t), std::to_string(i)}}, kApply);
        if (!storage.settle().empty()) odd++;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(odd == 0);
  CHECK(put == 100);
  CHECK(storage.versions("media", "tmp/deep/x")->size() + keys_of(storage.objects("media")).size() == 100);
  CHECK(room.read("media")["tags"].size() == 4);
}

TEST_CASE("a thousand resources are made sure of, and then are in sync") {
  const Room room;
  FolderStorage storage(room.root().string());
  for (const auto expected : {Outcome::changed, Outcome::in_sync})
    for (int i = 0; i < 250; i++) {
      const auto bucket = "bucket-" + std::to_string(i);
      CHECK(test::outcome_of(storage.ensure_bucket(bucket, kApply)) == expected);
      CHECK(test::outcome_of(storage.ensure_versioning(bucket, true, kApply)) == expected);
      CHECK(test::outcome_of(storage.ensure_lifecycle(bucket, {{"tmp", "tmp/", 7}}, kApply)) == expected);
      CHECK(test::outcome_of(storage.ensure_tags(bucket, {{"owner", "platform"}}, kApply)) == expected);
    }
}
