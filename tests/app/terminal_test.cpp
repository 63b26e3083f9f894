// Tables, relative times and what must not reach a terminal.
#include <sstream>

#include <catch2/catch.hpp>

#include "app/cli/event_line.hpp"
#include "app/cli/render.hpp"
#include "app/cli/table.hpp"

using namespace muster;
using namespace muster::cli;

namespace {

Terminal terminal(size_t width, bool colour = false) {
  return {true, colour, width};
}

std::vector<std::string> lines_of(const Table& table, const Terminal& terminal) {
  std::ostringstream out;
  table.print(out, terminal);
  std::vector<std::string> lines;
  std::istringstream in{out.str()};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Table sample() {
  Table table{{{"ID", false, true}, {"COUNT", true}, {"TEXT"}}};
  table.add({{"edge-a"}, {"7"}, {"a sentence that is much longer than the others"}});
  table.add({{"b"}, {"1234"}, {"short"}});
  return table;
}

}  // namespace

TEST_CASE("a table fits the terminal: long cells end in an ellipsis, ids are never cut") {
  for (const size_t width : {size_t{24}, size_t{30}, size_t{40}, size_t{60}}) {
    for (const auto& line : lines_of(sample(), terminal(width))) {
      INFO(width << ": " << line);
      CHECK(columns_of(line) <= width);
    }
  }
  const auto lines = lines_of(sample(), terminal(30));
  CHECK(lines[0] == "ID      COUNT  TEXT");
  CHECK(lines[1] == "edge-a      7  a sentence tha…");
  CHECK(lines[2] == "b        1234  short");
}

TEST_CASE("where cutting is not enough, columns at the right are left out") {
  const auto lines = lines_of(sample(), terminal(20));
  CHECK(lines[0] == "ID      COUNT");
  CHECK(lines[1] == "edge-a      7");
}

TEST_CASE("a pipe has no width: nothing is cut") {
  CHECK(lines_of(sample(), Terminal{})[1].ends_with("than the others"));
}

TEST_CASE("colour does not change the layout, and needs a terminal with colours") {
  Table table{{{"A"}, {"B"}}};
  table.add({{"ok", Colour::green}, {"x"}});
  CHECK(lines_of(table, terminal(80))[1] == "ok  x");
  CHECK(lines_of(table, terminal(80, true))[1] == "\x1b[32mok\x1b[0m  x");
}

TEST_CASE("NO_COLOR, TERM=dumb and a pipe turn colour off") {
  const auto none = [](std::string_view) { return std::nullopt; };
  CHECK_FALSE(terminal_of(-1, none).tty);
  CHECK_FALSE(terminal_of(-1, none).colour);
  CHECK(terminal_of(-1, none).width == 0);
}

TEST_CASE("times are told relative to now") {
  const Time now{Millis{10'000'000'000}};
  const auto ago = [&](int64_t seconds) { return relative(now - std::chrono::seconds{seconds}, now); };
  CHECK(ago(0) == "now");
  CHECK(ago(12) == "12s ago");
  CHECK(ago(119) == "119s ago");
  CHECK(ago(180) == "3m ago");
  CHECK(ago(7'200) == "2h ago");
  CHECK(ago(5 * 86'400) == "5d ago");
  CHECK(ago(-5) == "in 5s");
}

TEST_CASE("sizes are told in the largest unit") {
  CHECK(human_bytes(17) == "17 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(uint64_t{3} << 30) == "3.0 GiB");
}

TEST_CASE("what a node says cannot steer the terminal") {
  CHECK(printable("a\x1b[2Jb\r\n") == "a?[2Jb??");
  CHECK(printable("a\xC2\x9B"
                  "31mb") == "a?31mb");
  CHECK(printable("Zürich …") == "Zürich …");
  const auto line = event_line(
    "{\"seq\":1,\"time\":\"2026-01-02T03:04:05.678Z\",\"type\":\"a.b\\u001b[2J\","
    "\"stream\":\"x\\u0007\",\"actor\":\"y\",\"data\":{}}",
    terminal(80));
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(line.find('\a') == std::string::npos);
}

TEST_CASE("text is cut between characters, not bytes") {
  CHECK(columns_of("äöü") == 3);
  CHECK(fitted("äöüß", 3) == "äö…");
  CHECK(fitted("abc", 3) == "abc");
  CHECK(fitted("abc", 0).empty());
}

TEST_CASE("an event is one line of the terminal's width") {
  const std::string line =
    R"({"seq":42,"prev":"","time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":"alice","type":"node.registered","stream":"node/n1","data":{"node":"n1","host":"a-long-host-name.example.org"}})";
  CHECK(event_line(line, terminal(60)) == "     42  03:04:05  node.registered       node/n1           …");
  CHECK(event_line(line, Terminal{}).ends_with("example.org\"}"));
  CHECK(dated_event_line(line, Terminal{}).find("2026-01-02 03:04:05") != std::string::npos);
  CHECK(event_line("not an event", Terminal{}) == "not an event");
}

TEST_CASE("any document is printed as fields, groups and tables") {
  const auto document = parse_json(
    R"({"state":"ready","log":{"head_seq":42,"size_bytes":2048},"started":"2026-01-02T03:04:05.000Z","voters":[{"id":"n1","lag":0},{"id":"n2","lag":12}],"names":["a","b"],"none":null})");
  REQUIRE(document);
  std::ostringstream out;
  print_fields(out, *document, Terminal{}, *parse_rfc3339("2026-01-02T03:04:17Z"));
  CHECK(out.str() == R"(state    ready
started  12s ago (2026-01-02T03:04:05.000Z)
names    a, b
none     -

log
  head seq    42
  size bytes  2.0 KiB

voters
ID  LAG
n1    0
n2   12
)");
}
