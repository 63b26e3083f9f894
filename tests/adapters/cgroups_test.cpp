// Limits on scripts that the kernel enforces.
#include "adapters/cgroups.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "adapters/script_loop.hpp"
#include "tests/support/eventually.hpp"
#include "wait.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

/// A shell that joins the groups of `files` and then does `script`.
ScriptEnd run_in(const std::vector<std::string>& files, const std::string& script, std::string& printed) {
  std::string pattern = (fs::temp_directory_path() / "limits-XXXXXX").string();
  const std::string root = ::mkdtemp(pattern.data());
  std::string joining;
  for (const auto& file : files) joining += "echo 0 >'" + file + "' || exit 99; ";
  auto process = ScriptProcess::start(
    {{"bash", "-c", joining + script}, {{"PATH", "/usr/bin:/bin"}}, root, root + "/pipes"});
  REQUIRE(process);
  Mailbox<ScriptEnd> end;
  ScriptSink sink;
  sink.output = [&](Channel, std::string_view bytes) { printed += bytes; };
  sink.ended = [&](const ScriptEnd& how) { end.put(how); };
  ScriptLoop loop;
  loop.add(std::move(*process), std::move(sink), std::chrono::seconds{60});
  REQUIRE(eventually([&] { return end.wait_for_size(1); }));
  fs::remove_all(root);
  return end.all().front();
}

std::string name() {
  return "test-" + std::to_string(::getpid());
}

}  // namespace

TEST_CASE("a script that has used up its processes gets no more") {
  const auto groups = Cgroups::here();
  CgroupLimits limits;
  limits.processes = 20;
  const auto files = groups.make(name(), limits);
  REQUIRE(files);
  std::string printed;
  run_in(*files, "for i in $(seq 100); do tail -f /dev/null & done 2>&1; jobs -p | wc -l", printed);
  CHECK(printed.find("fork") != std::string::npos);
  CHECK(eventually([&] { return groups.remove(name()); }));
}

TEST_CASE("a script that takes more memory than it may is killed") {
  const auto groups = Cgroups::here();
  CgroupLimits limits;
  limits.memory = int64_t{32} << 20;
  const auto files = groups.make(name(), limits);
  REQUIRE(files);
  std::string printed;
  const auto end = run_in(*files, "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}", printed);
  CHECK(printed.find("200000000") == std::string::npos);
  CHECK((!end.known || end.code != 0));
  CHECK(eventually([&] { return groups.remove(name()); }));
}

TEST_CASE("what is in a group is killed with it") {
  const auto groups = Cgroups::here();
  CgroupLimits limits;
  limits.processes = 100;
  const auto files = groups.make(name(), limits);
  REQUIRE(files);
  std::string pid;
  // In a session of its own: ending the script does not reach it.
  run_in(*files, "setsid tail -f /dev/null >/dev/null 2>&1 & echo $!", pid);
  CHECK(eventually([&] { return groups.remove(name()); }));
  CHECK(eventually([&] { return ::kill(static_cast<pid_t>(std::stol(pid)), 0) != 0; }));
}

TEST_CASE("a processor share is what the kernel was told") {
  const auto groups = Cgroups::here();
  CgroupLimits limits;
  limits.cpu = 250;
  const auto files = groups.make(name(), limits);
  REQUIRE(files);
  const auto folder = fs::path{files->front()}.parent_path();
  const bool two = fs::exists(folder / "cpu.max");
  std::ifstream in{folder / (two ? "cpu.max" : "cpu.cfs_quota_us")};
  int64_t quota = 0;
  in >> quota;
  CHECK(quota == 25'000);
  CHECK(groups.remove(name()));
}
