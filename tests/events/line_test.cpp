// Shows that what is written of an event is read back, whatever its fields hold.
#include "events/line.hpp"

#include <catch2/catch.hpp>

#include "events/shared.hpp"
#include "tests/support/arbitrary.hpp"
#include "tests/support/given.hpp"

using namespace muster;

namespace {

/// As a line of the log and back.
Record again(const Record& record) {
  const auto line = arbitrary::line_of(record);
  RC_ASSERT(line.find('\n') == std::string::npos);
  auto read = read_line(line);
  if (!read) RC_FAIL(read.error().detail + " in " + line);
  RC_ASSERT(arbitrary::line_of(*read) == line);
  return std::move(*read);
}

}  // namespace

TEST_CASE("every event reads back as it was written", "[S0-05][S0-08]") {
  CHECK(rc::check("any event, any text", [] {
    const auto event = *arbitrary::event(arbitrary::Names::any);
    RC_TAG(std::string(type_of(event)));
    RC_ASSERT(again(given::record(1, given::kStart, event)).event == event);
  }));
}

TEST_CASE("every type is written and read", "[S0-05]") {
  const auto types = arbitrary::one_of_each();
  CHECK(types.size() == std::variant_size_v<EventVariant> - 1);
  for (const auto& event : types) {
    const auto read = read_line(arbitrary::line_of(given::record(1, given::kStart, event)));
    INFO(type_of(event));
    REQUIRE(read);
    CHECK(read->event == event);
    CHECK(read->type == type_of(event));
    CHECK(read->stream == stream_of(event));
  }
}

TEST_CASE("a line reads back with all that stands around its event", "[S0-05][S0-10]") {
  CHECK(rc::check("any record", [] {
    for (const auto& record : *arbitrary::records(arbitrary::Names::any)) {
      const auto read = again(record);
      RC_ASSERT(read.seq == record.seq);
      RC_ASSERT(read.prev == record.prev);
      RC_ASSERT(read.envelope == record.envelope);
      RC_ASSERT(read.type == record.type);
      RC_ASSERT(read.stream == record.stream);
      RC_ASSERT(read.event == record.event);
    }
  }));
}

TEST_CASE("a line that is cut off or lacks a part is corrupt, and never crashes the reader", "[S0-08]") {
  CHECK(rc::check("any line, any cut", [] {
    const auto event = *arbitrary::event(arbitrary::Names::any);
    const auto line = arbitrary::line_of(given::record(1, given::kStart, event));
    const auto cut = *rc::gen::inRange<size_t>(0, line.size());
    const auto read = read_line(std::string_view(line).substr(0, cut));
    RC_ASSERT((!read && read.error().code == "log.corrupt"));
  }));
  CHECK(rc::check("any line, any byte changed", [] {
    const auto event = *arbitrary::event(arbitrary::Names::any);
    auto line = arbitrary::line_of(given::record(1, given::kStart, event));
    line[*rc::gen::inRange<size_t>(0, line.size())] = *rc::gen::arbitrary<char>();
    const auto read = read_line(line);
    RC_ASSERT((read || read.error().code == "log.corrupt"));
  }));
}

TEST_CASE("a member that this build does not know is passed over", "[S0-08]") {
  auto line = arbitrary::line_of(given::record(1, given::kStart, nodes::Returned{"n1"}));
  const auto at = line.find("\"data\":{") + 8;
  line.insert(at, "\"later\":[1,{\"x\":null}],");
  const auto read = read_line(line);
  REQUIRE(read);
  CHECK(read->event == AnyEvent{nodes::Returned{"n1"}});
}

TEST_CASE("a shared value reads as its own kind, and editing a copy leaves the other", "[S0-06]") {
  Shared<nodes::Returned> one = nodes::Returned{"a"};
  auto two = one;
  two.edit().node = "b";
  CHECK(one->node == "a");
  CHECK(two->node == "b");
  CHECK(to_json_text(two) == R"({"node":"b"})");
  const auto read = from_json_text<Shared<nodes::Returned>>(R"({"node":"b"})");
  REQUIRE(read);
  CHECK(*read == two);
  CHECK(Shared<nodes::Returned>{} == Shared<nodes::Returned>{nodes::Returned{}});
}
