// Scripts as processes: what they print, how they end, and what is left of both when nobody listened.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "adapters/script_loop.hpp"
#include "tests/support/eventually.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

/// A folder for pipes, and what its scripts said.
class Scripts {
public:
  Scripts() {
    std::string pattern = (std::filesystem::temp_directory_path() / "scripts-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~Scripts() { std::filesystem::remove_all(root_); }
  Scripts(const Scripts&) = delete;
  Scripts& operator=(const Scripts&) = delete;

  [[nodiscard]] std::string pipes() const { return root_ + "/pipes"; }
  [[nodiscard]] std::string file(const std::string& name) const { return root_ + "/" + name; }

  [[nodiscard]] ScriptProcess start(const std::string& script) const {
    auto made = ScriptProcess::start(
      {{"bash", "-c", script}, {{"PATH", "/usr/bin:/bin"}, {"FILES", root_}}, root_, pipes()});
    REQUIRE(made);
    return std::move(*made);
  }

  ScriptSink sink() {
    ScriptSink sink;
    sink.output = [this](Channel channel, std::string_view bytes) {
      const std::lock_guard lock{mutex_};
      (channel == Channel::out ? out_ : err_) += bytes;
    };
    sink.ended = [this](const ScriptEnd& end) {
      const std::lock_guard lock{mutex_};
      end_ = end;
    };
    return sink;
  }

  ScriptEnd end() {
    REQUIRE(eventually([this] {
      const std::lock_guard lock{mutex_};
      return end_.has_value();
    }));
    return *end_;
  }
  [[nodiscard]] std::string out() {
    const std::lock_guard lock{mutex_};
    return out_;
  }
  [[nodiscard]] std::string err() {
    const std::lock_guard lock{mutex_};
    return err_;
  }

private:
  std::string root_;
  std::mutex mutex_;
  std::string out_, err_;
  std::optional<ScriptEnd> end_;
};

bool alive(const std::string& pid) {
  return ::kill(static_cast<pid_t>(std::stol(pid)), 0) == 0;
}

}  // namespace

TEST_CASE("a script is heard on both channels, and its exit code is known") {
  Scripts scripts;
  ScriptLoop loop;
  loop.add(scripts.start("echo one; echo two >&2; umask; exit 7"), scripts.sink(), 0ms);
  const auto end = scripts.end();
  CHECK(end.known);
  CHECK(end.code == 7);
  CHECK(scripts.out() == "one\n0077\n");
  CHECK(scripts.err() == "two\n");
}

TEST_CASE("a script that a signal ended has the code that a shell gives it") {
  Scripts scripts;
  ScriptLoop loop;
  loop.add(scripts.start("kill -SEGV $$"), scripts.sink(), 0ms);
  CHECK(scripts.end().code == 128 + SIGSEGV);
}

TEST_CASE("what a script printed and how it ended are there although nobody listened") {
  Scripts scripts;
  std::optional<ProcessId> id;
  {
    ScriptLoop loop;
    auto process = scripts.start("echo first; until [ -e $FILES/go ]; do :; done; echo last; exit 3");
    id = process.id();
    loop.add(std::move(process), scripts.sink(), 0ms);
    REQUIRE(eventually([&] { return scripts.out() == "first\n"; }));
  }
  std::filesystem::create_directory(scripts.file("go"));
  REQUIRE(eventually([&] { return std::filesystem::exists(scripts.pipes() + "/code"); }));
  ScriptLoop loop;
  auto found = ScriptProcess::adopt(scripts.pipes(), GENERATE(true, false) ? *id : ProcessId{});
  REQUIRE(found);
  loop.add(std::move(*found), scripts.sink(), 0ms);
  const auto end = scripts.end();
  CHECK(end.known);
  CHECK(end.code == 3);
  CHECK(scripts.out() == "first\nlast\n");
  CHECK(eventually([&] { return !ScriptProcess::adopt(scripts.pipes(), *id); }));  // It dies a little later.
}

TEST_CASE("a script that is killed from outside ended in a way that nobody knows") {
  Scripts scripts;
  ScriptLoop loop;
  auto process = scripts.start("echo here; exec tail -f /dev/null");
  const auto pid = process.id().pid;
  loop.add(std::move(process), scripts.sink(), 0ms);
  REQUIRE(eventually([&] { return scripts.out() == "here\n"; }));
  REQUIRE(::kill(-static_cast<pid_t>(pid), SIGKILL) == 0);
  CHECK_FALSE(scripts.end().known);
}

TEST_CASE("a script that does not listen to being asked is killed after its time, with what it started") {
  Scripts scripts;
  ScriptLoop loop;
  const auto id =
    loop.add(scripts.start("trap '' TERM; tail -f /dev/null & echo $!; while true; do wait; done"),
             scripts.sink(), 0ms);
  REQUIRE(eventually([&] { return scripts.out().ends_with("\n"); }));
  loop.stop(id, 50ms);
  const auto end = scripts.end();
  CHECK_FALSE(end.timed_out);
  CHECK(eventually([&] { return !alive(scripts.out()); }));
}

TEST_CASE("a script that takes too long is asked to end, and that is said") {
  Scripts scripts;
  ScriptLoop loop;
  loop.add(scripts.start("trap 'echo bye; exit 9' TERM; while true; do tail -f /dev/null & wait; done"),
           scripts.sink(), 300ms);
  const auto end = scripts.end();
  CHECK(end.timed_out);
  CHECK(end.code == 9);
  CHECK(scripts.out() == "bye\n");
}

TEST_CASE("what a script leaves behind ends with it, and does not hold its end up") {
  Scripts scripts;
  ScriptLoop loop;
  loop.add(scripts.start("(while true; do echo x; done) & echo $! >$FILES/left; exit 0"), scripts.sink(),
           0ms);
  CHECK(scripts.end().code == 0);
  std::ifstream in{scripts.file("left")};
  std::string pid;
  REQUIRE(std::getline(in, pid));
  CHECK(eventually([&] { return !alive(pid); }));
}

TEST_CASE("output of any size comes whole and in order") {
  Scripts scripts;
  ScriptLoop loop;
  loop.add(scripts.start("seq 1 1000000"), scripts.sink(), 0ms);
  CHECK(scripts.end().code == 0);
  const auto out = scripts.out();
  CHECK(out.size() == 6'888'896);
  CHECK(out.ends_with("\n999999\n1000000\n"));
}

TEST_CASE("a program that is not there is refused by name") {
  const Scripts scripts;
  const auto made = ScriptProcess::start({{"no-such-program"}, {}, "/", scripts.pipes()});
  REQUIRE_FALSE(made);
  CHECK(made.error().detail.find("no-such-program") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(scripts.pipes()));
}
