// Shows that times and durations are written and read back.
#include "base/time.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace std::chrono_literals;

TEST_CASE("a time is written as RFC 3339 in UTC with milliseconds, and read back") {
  const Time t{std::chrono::milliseconds{1'767'323'045'678}};
  CHECK(to_rfc3339(t) == "2026-01-02T03:04:05.678Z");
  CHECK(parse_rfc3339(to_rfc3339(t)) == t);
}

TEST_CASE("a time with an offset or a shorter fraction is the same instant") {
  const auto t = parse_rfc3339("2026-01-02T05:04:05.5+02:00");
  REQUIRE(t);
  CHECK(to_rfc3339(*t) == "2026-01-02T03:04:05.500Z");
  CHECK(parse_rfc3339("2026-01-02T03:04:05Z"));
}

TEST_CASE("what is not a time is not read as one") {
  for (const auto* text :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx", "yesterday"})
    CHECK_FALSE(parse_rfc3339(text));
}

TEST_CASE("durations carry a unit, a bare number is seconds") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("45") == 45s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("7d") == 168h);
  CHECK_FALSE(parse_duration("-1s"));
  CHECK_FALSE(parse_duration("1y"));
}

TEST_CASE("any time of four-digit years is read back as it was written, and texts sort as times do") {
  CHECK(rc::check("to_rfc3339 and back", [] {
    const auto any = rc::gen::inRange<int64_t>(-62'167'219'200'000, 253'402'300'800'000);  // Years 0 to 9999.
    const Time a{Millis{*any}}, b{Millis{*any}};
    RC_ASSERT(to_rfc3339(a).size() == 24u);
    RC_ASSERT(parse_rfc3339(to_rfc3339(a)) == a);
    RC_ASSERT((to_rfc3339(a) < to_rfc3339(b)) == (a < b));
  }));
}

TEST_CASE("an offset moves a time by exactly that much") {
  CHECK(rc::check("every offset", [] {
    const Time t{Millis{*rc::gen::inRange<int64_t>(0, 253'000'000'000'000)}};
    const int minutes = *rc::gen::inRange(0, 24 * 60);
    char offset[16];
    std::snprintf(offset, sizeof offset, "%02d:%02d", minutes / 60, minutes % 60);
    const std::string local = to_rfc3339(t).substr(0, 23);
    RC_ASSERT(parse_rfc3339(local + "+" + offset) == t - std::chrono::minutes{minutes});
    RC_ASSERT(parse_rfc3339(local + "-" + offset) == t + std::chrono::minutes{minutes});
  }));
}

TEST_CASE("any text is a time or is not, without harm") {
  CHECK(rc::check("bytes", [](const std::string& bytes) {
    if (const auto t = parse_rfc3339(bytes)) RC_ASSERT(parse_rfc3339(to_rfc3339(*t)) == *t);
    (void)parse_duration(bytes);
  }));
}
