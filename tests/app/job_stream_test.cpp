// What a running job shows on a terminal, and on a pipe.
#include "app/cli/job_stream.hpp"

#include <sstream>

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::cli;

namespace {

constexpr Time kStart{Millis{1'795'000'000'000}};

/// A person at a terminal, or a pipe.
struct Screen {
  explicit Screen(Terminal terminal, jobs::Common common_ = {})
    : common(std::move(common_)), io{make(terminal)} {}

  Io make(Terminal terminal) {
    return {in,
            out,
            err,
            terminal,
            terminal,
            [](std::string_view name) {
              return name == "TERM" ? std::optional<std::string>{"xterm"} : std::nullopt;
            },
            [this] { return now; }};
  }
  /// What was printed since the last call.
  std::string shown() {
    auto text = err.str();
    err.str("");
    return text;
  }

  std::istringstream in;
  std::ostringstream out, err;
  Time now = kStart;
  jobs::Common common;
  Io io;
  JobStream stream{io, common, 2};
};

const Terminal kNarrow{.tty = true, .colour = false, .width = 60};

}  // namespace

TEST_CASE("only ::progress with two numbers, the first not above the second, is progress") {
  const auto good = progress_of("::progress 40/100 copying files");
  REQUIRE(good);
  CHECK(good->done == 40);
  CHECK(good->total == 100);
  CHECK(good->text == "copying files");
  CHECK(progress_of("::progress 3/3")->text.empty());
  CHECK(progress_of("::progress 1/2 \x1b[2Jx")->text.find('\x1b') == std::string::npos);
  for (const auto* line :
       {"::progress 5/4 x", "::progress 1/0", "::progress 1 of 2", "::progress -1/2", "::progress 1/2x",
        "::progress", " ::progress 1/2", "::progress 99999999999999999999/2"})
    CHECK_FALSE(progress_of(line));
}

TEST_CASE("a terminal shows the step, how long it goes on, and a bar; the script's line is not printed") {
  Screen screen{kNarrow};
  screen.stream.event(1, kStart, "step.start", {{"run_id", "run-1"}, {"step", "000_main.sh"}});
  CHECK(screen.shown() == "[1] step.start run=run-1 step=000_main.sh\n\r\x1b[K00:00  1/2  000_main.sh");
  screen.now += Millis{72'500};
  screen.stream.line(2, screen.now, "000_main.sh", false, "::progress 40/100 copying");
  CHECK(screen.shown() == "\r\x1b[K01:12  1/2  000_main.sh  [########............] 40 %  copy…");
  CHECK(screen.out.str().empty());
  screen.stream.line(3, screen.now, "000_main.sh", false, "hello");
  CHECK(screen.out.str() == "hello\n");
  CHECK(screen.shown() == "\r\x1b[K");  // Gone for the line; back at the next tick.
  screen.stream.tick();
  CHECK(screen.shown().empty());  // Not for every line that is printed.
  screen.now += Millis{100};
  screen.stream.tick();
  CHECK(screen.shown().find("[########............] 40 %") != std::string::npos);
  screen.stream.event(4, screen.now, "run.finish", {{"status", "completed"}});
  CHECK(screen.shown() == "\r\x1b[K[4] run.finish run=run-1 data={\"status\":\"completed\"}\n");
  screen.stream.tick();
  CHECK(screen.shown().empty());
}

TEST_CASE("what ends something has its colour on a terminal that has colours") {
  Screen screen{{.tty = true, .colour = true, .width = 0}};
  screen.stream.event(1, kStart, "run.finish", {{"run_id", "run-1"}, {"status", "failed"}});
  CHECK(screen.shown() == painted("[1] run.finish run=run-1 data={\"status\":\"failed\"}", Colour::red,
                                  {.tty = true, .colour = true, .width = 0}) +
                            "\n");
  CHECK(screen.stream.status() == "failed");
}

TEST_CASE("a pipe gets every line as the script printed it, and no line of status") {
  Screen screen{{}};
  screen.stream.event(1, kStart, "step.start", {{"run_id", "run-1"}, {"step", "000_main.sh"}});
  screen.stream.line(2, kStart, "000_main.sh", false, "::progress 40/100 copying");
  screen.stream.tick();
  CHECK(screen.out.str() == "::progress 40/100 copying\n");
  CHECK(screen.shown() == "[1] step.start run=run-1 step=000_main.sh\n");
}

TEST_CASE("with --quiet a terminal gets the output alone") {
  jobs::Common quiet;
  quiet.quiet = true;
  Screen screen{kNarrow, quiet};
  screen.stream.event(1, kStart, "step.start", {{"run_id", "run-1"}, {"step", "000_main.sh"}});
  screen.stream.line(2, kStart, "000_main.sh", true, "to stderr");
  CHECK(screen.shown() == "to stderr\n");
}
