// Shows how a program is waited for: its output, its end, and the limits that cut it short.
#include "adapters/program.hpp"

#include <future>

#include <catch2/catch.hpp>

#include "adapters/child_process.hpp"

using namespace muster;
using Cut = ProgramEnd::Cut;

namespace {

ProgramOrder shell(const std::string& script) {
  ProgramOrder order;
  order.argv = {"/bin/sh", "-c", script};
  order.env = base_environment();
  return order;
}

ProgramEnd run(const ProgramOrder& order) {
  auto end = run_program(order);
  if (!end) FAIL(end.error().detail);
  return std::move(*end);
}

}  // namespace

TEST_CASE("what a program prints and how it ends is known") {
  const auto good = run(shell("echo out; echo err >&2"));
  CHECK(good.good());
  CHECK(good.out == "out\n");
  CHECK(good.err == "err\n");
  const auto order = shell("printf 'no\\n  such thing\\n' >&2; exit 3");
  const auto bad = run(order);
  CHECK(bad.code == 3);
  CHECK(why_failed(order, bad) == "/bin/sh: no   such thing");
  CHECK(run(shell("kill -9 $$")).code == -1);
}

TEST_CASE("a program that closes its output early is still waited for") {
  const auto end = run(shell("echo first; exec >&- 2>&-; read line < /dev/null; exit 4"));
  CHECK(end.out == "first\n");
  CHECK(end.code == 4);
}

TEST_CASE("a program that is not there is an error") {
  ProgramOrder order;
  order.argv = {"/nowhere/program"};
  const auto end = run_program(order);
  REQUIRE_FALSE(end);
  CHECK(end.error().code == "service.unstartable");
}

TEST_CASE("a program that takes too long is killed, and what it started") {
  auto order = shell("echo $$; tail -f /dev/null & tail -f /dev/null");
  order.limit = Millis{300};
  const auto end = run(order);
  CHECK(end.cut == Cut::time);
  CHECK_FALSE(end.good());
  CHECK(descendants_of(std::stoull(end.out)).empty());
  CHECK(why_failed(order, end) == "/bin/sh took longer than 0 s");
}

TEST_CASE("a program that prints too much is killed") {
  auto order = shell("yes");
  order.max_output = 1000;
  const auto end = run(order);
  CHECK(end.cut == Cut::output);
  CHECK(end.out.size() <= 1000);
  CHECK(why_failed(order, end) == "/bin/sh printed more than 1000 bytes");
  auto just = shell("printf '%01000d' 0");
  just.max_output = 1000;
  CHECK(run(just).good());
}

TEST_CASE("a program is cut short from another thread, and no further one starts") {
  Cancellation cancellation;
  auto order = shell("exec tail -f /dev/null");
  order.cancellation = &cancellation;
  auto running = std::async(std::launch::async, [&] { return run(order); });
  cancellation.cancel();
  CHECK(running.get().cut == Cut::canceled);
  CHECK(run(order).cut == Cut::canceled);
}

TEST_CASE("a program has no terminal and nothing to read") {
  const auto end = run(shell("cat; [ ! -t 0 ] && ( : < /dev/tty ) 2>/dev/null || echo none"));
  CHECK(end.out == "none\n");
}
