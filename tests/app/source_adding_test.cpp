// Shows what becomes of a source: its record, where its jobs are, and that two are never fetched at once.
#include "app/jobs/source_adding.hpp"

#include <future>
#include <thread>

#include "app/jobs/source_worker.hpp"
#include "tests/adapters/git_room.hpp"
#include "tests/adapters/wait.hpp"

using namespace muster;
using app::listed;
using app::SourceAdding;
using app::SourceSettings;
using app::SourceWorker;
using app::tree_root;
using test::GitRoom;
namespace fs = std::filesystem;

namespace {

SourceSettings settings_of(const GitRoom& room) {
  SourceSettings settings;
  settings.node = "n1";
  settings.data = (room / "data").string();
  settings.local_roots = {(room / "").string()};
  return settings;
}

jobs::Source source_of(const std::string& body) {
  const auto source = jobs::read_source(Json::parse(body));
  if (!source) FAIL(source.error().detail);
  return *source;
}

jobs::Source git_source(const GitRoom& room) {
  return source_of(R"({"type":"git","name":"tools","ref":"main","url":")" + room.origin() + "\"}");
}

sources::Added added(const GitRoom& room, const jobs::Source& source) {
  const auto made = SourceAdding{settings_of(room)}.add(source);
  if (!made) FAIL(made.error().code << ": " << made.error().detail);
  return *made;
}

std::optional<sources::Added> nothing(const std::string&) {
  return std::nullopt;
}

std::string code_of(const Result<std::string>& result) {
  return result ? "" : result.error().code;
}

}  // namespace

TEST_CASE("the jobs of a git source are in scripts, where that is there, else in the checkout") {
  GitRoom room;
  const auto data = (room / "data").string();
  CHECK(*tree_root(added(room, git_source(room)), data) == room.folder() + "/scripts");
  room.git({"mv", "scripts/hello", "hello"});
  room.commit("moved");
  CHECK(*tree_root(added(room, git_source(room)), data) == room.folder());
  room.write("scripts", "a file");
  room.commit("a file");
  CHECK(*tree_root(added(room, git_source(room)), data) == room.folder());
}

TEST_CASE("a source is used as it was pinned, or not at all", "[S3-79][S3-81]") {
  GitRoom room;
  const auto data = (room / "data").string();
  const auto before = added(room, git_source(room));
  room.commit("two");
  const auto after = added(room, git_source(room));
  CHECK(tree_root(after, data));
  const auto old = tree_root(before, data);
  CHECK(code_of(old) == "source.not.materialized");
  CHECK(old.error().detail.find(before.resolved_commit) != std::string::npos);
  CHECK(code_of(tree_root(after, (room / "elsewhere").string())) == "source.not.materialized");
  fs::remove_all(room.folder());
  CHECK(code_of(tree_root(after, data)) == "source.not.materialized");
}

TEST_CASE("scripts that became a link out of the checkout are not used", "[S3-99]") {
  GitRoom room;
  const auto made = added(room, git_source(room));
  fs::remove_all(room.folder() + "/scripts");
  fs::create_directory_symlink("/etc", room.folder() + "/scripts");
  CHECK(code_of(tree_root(made, (room / "data").string())) == "source.not.allowed");
}

TEST_CASE("the jobs of a folder are in it, and an image has no folder") {
  GitRoom room;
  fs::create_directories(room / "more jobs");
  const auto made = added(room, source_of(R"({"type":"local","ref":"more jobs"})"));
  CHECK(made.name == "more-jobs");
  CHECK(*tree_root(made, "/nowhere") == (room / "more jobs").string());
  fs::remove(room / "more jobs");
  CHECK(code_of(tree_root(made, "/nowhere")) == "source.not.materialized");
  sources::Added image;
  image.kind = "oci";
  CHECK(code_of(tree_root(image, "/nowhere")) == "source.not.materialized");
}

TEST_CASE("nothing is allowed where no root is", "[S3-78]") {
  GitRoom room;
  auto settings = settings_of(room);
  settings.local_roots.clear();
  const auto none = SourceAdding{settings}.add(source_of(R"({"type":"local","ref":"/etc"})"));
  CHECK(none.error().code == "source.not.allowed");
  settings.local_roots = {(room / "not there").string()};
  CHECK(SourceAdding{settings}.add(git_source(room)).error().code == "source.not.allowed");
}

TEST_CASE("a repository is fetched from where it was judged to be, whatever its link says later") {
  GitRoom room;
  fs::create_directory_symlink(room.origin(), room / "link");
  const auto made = added(room, source_of(R"({"type":"git","name":"tools","ref":"main","url":")" +
                                          (room / "link").string() + "\"}"));
  CHECK(made.url == (room / "link").string());
  std::ifstream config{room.folder() + "/.git/config"};
  const std::string text{std::istreambuf_iterator<char>(config), {}};
  CHECK(text.find("url = file://" + room.origin() + "\n") != std::string::npos);
}

TEST_CASE("a list by commas") {
  CHECK(listed("").empty());
  CHECK(listed(" , ,").empty());
  CHECK(listed("a, b c ,d") == std::vector<std::string>{"a", "b c", "d"});
}

TEST_CASE("a recorded source is fetched as it was pinned, whatever its branch is now", "[S3-81]") {
  GitRoom room;
  const auto record = added(room, git_source(room));
  auto settings = settings_of(room);
  settings.node = "n2";
  settings.data = (room / "others").string();
  const SourceAdding other{settings};
  room.write("scripts/second/config.d/config.yaml", "interpreter: /bin/sh\n");
  room.commit("two");
  REQUIRE(other.bring(record));
  const auto there = tree_root(record, settings.data);
  REQUIRE(there);
  CHECK_FALSE(fs::exists(*there + "/second"));
  auto unknown = record;
  unknown.resolved_commit = std::string(40, 'a');
  const auto refused = other.bring(unknown);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "source.unavailable");
  fs::rename(room.origin(), room.origin() + "-gone");
  CHECK(other.bring(record));  // It is there.
  settings.local_roots.clear();
  settings.data = (room / "third").string();
  const auto not_allowed = SourceAdding{settings}.bring(record);
  REQUIRE_FALSE(not_allowed);
  CHECK(not_allowed.error().code == "source.not.allowed");
}

TEST_CASE("a worker fetches what is recorded under a name now, and not again at once what was in vain") {
  GitRoom room;
  auto record = added(room, git_source(room));
  auto settings = settings_of(room);
  settings.data = (room / "others").string();
  std::atomic<int> asked{0};
  SourceWorker worker{settings, [&](const std::string& name) -> std::optional<sources::Added> {
                        asked++;
                        if (name == "gone") return std::nullopt;
                        auto found = record;
                        if (name == "broken") found.name = name, found.resolved_commit = std::string(40, 'a');
                        return found;
                      }};
  for (const auto* name : {"broken", "gone", "tools"}) worker.bring(name);
  REQUIRE(eventually([&] { return bool(tree_root(record, settings.data)); }));
  CHECK(asked == 3);
  worker.bring("broken");
  worker.bring("gone");
  REQUIRE(eventually([&] { return asked == 4; }));
  worker.stop();
  CHECK(asked == 4);
}

TEST_CASE("a worker pins what has run before it fetches anything, which may be a later image") {
  GitRoom room;
  Mailbox<std::string> asked;
  std::promise<void> go;
  const auto here = std::this_thread::get_id();
  SourceWorker worker{settings_of(room), [&](const std::string& name) -> std::optional<sources::Added> {
                        sources::Added image;
                        image.kind = "oci";
                        image.ref = "registry.example/" + name + ":1";
                        if (std::this_thread::get_id() == here) return image;
                        asked.put(name);
                        if (name == "first") go.get_future().wait();
                        if (name == "ran") return image;
                        return std::nullopt;
                      }};
  worker.bring("first");
  REQUIRE(asked.wait_for_size(1));
  worker.bring("absent");
  worker.succeeded("ran");
  go.set_value();
  REQUIRE(asked.wait_for_size(3));
  CHECK(asked.all() == std::vector<std::string>{"first", "ran", "absent"});
}

TEST_CASE("a worker fetches in order, and refuses more than it may hold") {
  GitRoom room;
  Mailbox<std::string> told;
  SourceWorker worker{settings_of(room), nothing};
  const auto tell = [&](const Result<sources::Added>& made) {
    told.put(made ? made->resolved_commit : made.error().code);
  };
  const auto commit = room.git({"rev-parse", "HEAD"});
  const size_t asked = SourceWorker::kMaxWaiting + 10;
  for (size_t i = 0; i < asked; i++) worker.add(git_source(room), tell);
  REQUIRE(told.wait_for_size(asked));
  size_t fetched = 0;
  for (const auto& one : told.all()) {
    CHECK((one == commit || one == "rate.limited"));
    fetched += one == commit ? 1 : 0;
  }
  CHECK(fetched >= SourceWorker::kMaxWaiting);
  CHECK(fetched < asked);
}

TEST_CASE("a worker that stops answers everybody") {
  GitRoom room;
  Mailbox<std::string> told;
  SourceWorker worker{settings_of(room), nothing};
  const auto tell = [&](const Result<sources::Added>& made) { told.put(made ? "made" : made.error().code); };
  for (int i = 0; i < 3; i++) worker.add(git_source(room), tell);
  worker.stop();
  worker.add(git_source(room), tell);
  const auto all = told.all();
  REQUIRE(all.size() == 4);
  CHECK(all[2] == "source.unavailable");
  CHECK(all[3] == "source.unavailable");
}
