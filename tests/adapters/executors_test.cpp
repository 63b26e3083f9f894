// Shows how services are started, found again and ended, with real processes.
#include "adapters/executors.hpp"

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include <sys/stat.h>

#include "adapters/child_process.hpp"
#include "adapters/process_executor.hpp"
#include "adapters/service_log.hpp"
#include "tests/adapters/executor_contract.hpp"
#include "tests/support/eventually.hpp"

using namespace muster;
using test::look_until;
using test::ServiceRoom;
using State = Look::State;

namespace {

plan::App shell(const std::string& script) {
  plan::App app;
  app.name = "api";
  app.kind = "go";
  app.command = {"/bin/sh", "-c", script};
  return app;
}

std::unique_ptr<Instance> start(Executor& executor, const plan::App& app, const ServiceRoom& room) {
  auto started = executor.start({app, "run-1", room.path});
  if (!started) FAIL(started.error().detail);
  return std::move(*started);
}

}  // namespace

TEST_CASE("processes keep the promise of executors") {
  test::check_executor(make_process_executor, shell("exec tail -f /dev/null"));
}

TEST_CASE("the executor that does nothing keeps it, too") {
  const auto make = [] {
    struct Owning : Executor {
      Executors all = *Executors::make("noop");
      [[nodiscard]] std::string_view name() const override { return "noop"; }
      Result<std::unique_ptr<Instance>> start(const Order& order) override {
        return (*all.for_app(order.app, ""))->start(order);
      }
      Result<std::unique_ptr<Instance>> adopt(const Order& order, const std::string& record) override {
        return (*all.for_app(order.app, ""))->adopt(order, record);
      }
    };
    return std::unique_ptr<Executor>{new Owning};
  };
  test::check_executor(make, shell("exit 1"));
}

TEST_CASE("how a process ended is known, and its output is kept") {
  ServiceRoom room;
  auto executor = make_process_executor();
  auto app = shell("echo out; echo err >&2; echo $MARK; exit 3");
  app.env["MARK"] = "marked";
  auto instance = start(*executor, app, room);
  const auto look = look_until(*instance, State::ended);
  CHECK(look.known);
  CHECK(look.code == 3);
  CHECK(room.log() == "out\nerr\nmarked\n");
  auto killed = start(*executor, shell("kill -9 $$"), room);
  CHECK(look_until(*killed, State::ended).signal == SIGKILL);
}

TEST_CASE("credentials of the node are not handed on") {
  ServiceRoom room;
  ::setenv("SUPERVISOR_API_KEY", "secret-key", 1);
  auto executor = make_process_executor();
  auto instance = start(*executor, shell("env; echo $PPID"), room);
  look_until(*instance, State::ended);
  ::unsetenv("SUPERVISOR_API_KEY");
  CHECK(room.log().find("secret-key") == std::string::npos);
  CHECK(room.log().find("MUSTER_RUN=run-1") != std::string::npos);
}

TEST_CASE("a start that was cut short before its record is found by its run") {
  ServiceRoom room;
  const Order order{shell("exec tail -f /dev/null"), "run-" + random_hex(8), room.path};
  auto started = make_process_executor()->start(order);
  REQUIRE(started);
  // While the shell becomes the command its environment cannot be read.
  auto found = make_process_executor()->adopt(order, "");
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
       !found && std::chrono::steady_clock::now() < until; found = make_process_executor()->adopt(order, ""))
    std::this_thread::yield();
  REQUIRE(found);
  CHECK((*found)->pid() == (*started)->pid());
  (*found)->kill();
  CHECK(look_until(**started, State::ended).signal == SIGKILL);
  CHECK(look_until(**found, State::ended).state == State::ended);
}

TEST_CASE("a process of another start is not taken for it") {
  ServiceRoom room;
  auto executor = make_process_executor();
  auto instance = start(*executor, shell("exec tail -f /dev/null"), room);
  auto id = from_json_text<ProcessId>(instance->record());
  REQUIRE(id);
  id->start_ticks++;
  CHECK_FALSE(ChildProcess::adopt(*id));
  id->start_ticks--;
  id->boot = "another";
  CHECK_FALSE(ChildProcess::adopt(*id));
  instance->kill();
  look_until(*instance, State::ended);
}

TEST_CASE("of a child that was let go and found again it is known how it ended") {
  ServiceRoom room;
  auto executor = make_process_executor();
  const Order order{shell("read line < " + room.path + "/go; exit 0"), "run-1", room.path};
  REQUIRE(::mkfifo((room.path + "/go").c_str(), 0600) == 0);
  for (const bool ends_before : {false, true}) {
    auto started = executor->start(order);
    REQUIRE(started);
    const auto pid = (*started)->pid();
    const auto record = (*started)->record();
    started->reset();
    const auto end = [&] { std::ofstream{room.path + "/go"} << "go\n"; };
    const auto is_zombie = [&] {
      std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
      std::string text{std::istreambuf_iterator<char>(in), {}};
      return text.find(") Z") != std::string::npos;
    };
    if (ends_before) {
      end();
      REQUIRE(eventually(is_zombie));
    }
    auto found = executor->adopt(order, record);
    REQUIRE(found);
    if (!ends_before) end();
    const auto look = look_until(**found, State::ended);
    CHECK((look.known && look.code == 0 && look.signal == 0));
    CHECK_FALSE(is_zombie());
  }
}

TEST_CASE("what a process leaves of its session ends with it") {
  ServiceRoom room;
  auto executor = make_process_executor();
  auto instance = start(*executor, shell("tail -f /dev/null & echo $!; exit 0"), room);
  look_until(*instance, State::ended);
  const auto child = std::stoi(room.log());
  const auto gone = [&] {
    std::ifstream in{"/proc/" + std::to_string(child) + "/stat"};
    std::string text{std::istreambuf_iterator<char>(in), {}};
    return text.empty() || text.find(") Z") != std::string::npos;
  };
  CHECK(eventually(gone));
}

TEST_CASE("a build comes before the command, and its failure is no start") {
  ServiceRoom room;
  auto executor = make_process_executor();
  auto app = shell("echo running; exec tail -f /dev/null");
  app.build = plan::Build{"nextjs", "", {"/bin/sh", "-c", "echo building $B"}, "", {{"B", "it"}}};
  auto instance = start(*executor, app, room);
  CHECK(look_until(*instance, State::running).state == State::running);
  instance->kill();
  look_until(*instance, State::ended);
  CHECK(room.log().starts_with("building it\n"));
  app.build->command = {"/bin/false"};
  auto broken = start(*executor, app, room);
  CHECK(look_until(*broken, State::ended).why == "the build failed");
}

TEST_CASE("what cannot start says what is missing") {
  ServiceRoom room;
  auto executor = make_process_executor();
  auto app = shell("");
  app.cwd = room.path + "/nowhere";
  auto started = executor->start({app, "r", room.path});
  REQUIRE_FALSE(started);
  CHECK(started.error().code == "service.unstartable");
  CHECK(started.error().detail.find("/nowhere") != std::string::npos);
}

TEST_CASE("the executor is chosen by the app's kind, the node and the plan", "[S1-04]") {
  CHECK_FALSE(Executors::make("systemd"));
  auto docker = Executors::make("docker");
  REQUIRE(docker);
  auto container = shell("");
  container.kind = "docker";
  CHECK((*docker->for_app(container, ""))->name() == "docker");
  CHECK((*docker->for_app(shell(""), ""))->name() == "process");
  CHECK((*docker->for_app(container, "exec"))->name() == "process");
  CHECK_FALSE(docker->for_app(container, "ns"));
  CHECK((*Executors::make("unheard-of")->for_app(container, ""))->name() == "docker");
  CHECK((*Executors::make("nerdctl")->for_app(container, ""))->name() == "nerdctl");
  CHECK((*Executors::make("noop")->for_app(container, ""))->name() == "noop");
  CHECK_FALSE(Executors::make("process")->for_app(container, ""));
}

TEST_CASE("a log is bounded while it is written to, and read from its end") {
  ServiceRoom room;
  CHECK_FALSE(log_tail(room.path, 10));
  std::ofstream writer{room.path + "/log", std::ios::app};
  for (int i = 0; i < 100; i++) writer << "line " << i << std::endl;
  CHECK(log_tail(room.path, 2)->text == "line 98\nline 99\n");
  CHECK(log_tail(room.path, 0)->text.empty());
  const auto end = log_tail(room.path, 1)->end;
  bound_log(room.path, 500);
  CHECK(std::filesystem::file_size(room.path + "/log") == 0);
  writer << "after" << std::endl;
  CHECK(room.log() == "after\n");
  CHECK(log_tail(room.path, 2)->text == "line 99\nafter\n");
  CHECK(log_after(room.path, end).text == "after\n");  // Cut off since: from the beginning.
  CHECK(log_after(room.path, 6).text.empty());
}

TEST_CASE("of a log that grew while nobody looked its end is kept") {
  ServiceRoom room;
  std::ofstream writer{room.path + "/log", std::ios::app};
  for (int i = 0; i < 1000; i++) writer << "line " << i << std::endl;
  bound_log(room.path, 500);
  CHECK(std::filesystem::file_size(room.path + "/log") == 0);
  CHECK(std::filesystem::file_size(room.path + "/log.1") == 1000);
  CHECK(log_tail(room.path, 2)->text == "line 998\nline 999\n");
}

TEST_CASE("a folder is the service's name where that is a plain one") {
  CHECK(service_folder("/s", "api-1.2") == "/s/api-1.2");
  for (const auto* name : {"..", "a b", "é", ".hidden"}) {
    const auto folder = service_folder("/s", name);
    CHECK(folder.starts_with("/s/.x-"));
    CHECK(folder.find('/', 3) == std::string::npos);
  }
}
