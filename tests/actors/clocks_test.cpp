// Whose clock is off, by what members say of theirs.
#include "actors/clocks.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using namespace std::chrono_literals;

namespace {

std::optional<int64_t> off(std::vector<int64_t> others, size_t voters) {
  std::vector<Millis> ahead;
  for (const auto ms : others) ahead.emplace_back(ms);
  const auto found = clock_off(std::move(ahead), voters);
  return found ? std::optional{found->count()} : std::nullopt;
}

const HeardClock::Steady kThen{100s};
const Time kNoon{1'800'000'000'000ms};

}  // namespace

TEST_CASE("a clock is off from the median of those who can be reached, its own among them") {
  CHECK(off({-10'000, -10'020}, 2) == 10'000);
  CHECK(off({9'990, 10'000}, 2) == -9'990);
  CHECK(off({0, 10'000}, 2) == 0);
  CHECK(off({0, 10, -10'000, 5}, 4) == -0);
  CHECK(off({-10'000, -10'000, -10'000}, 4) == 10'000);
}

TEST_CASE("two clocks that differ do not say which of them is wrong") {
  CHECK(off({-10'000}, 1) == 0);
  CHECK(off({-10'000}, 2) == 0);
  CHECK(off({-10'000, 3, -10'000}, 4) == 0);
}

TEST_CASE("without a majority, and alone, no clock is judged") {
  CHECK(off({}, 2) == std::nullopt);
  CHECK(off({-10'000}, 4) == std::nullopt);
  CHECK(off({}, 0) == 0);
}

TEST_CASE("of clocks that all differ the one in the middle is right") {
  CHECK(off({10'000, 20'000}, 2) == -10'000);
  CHECK(off({-10'000, 10'000}, 2) == 0);
  CHECK(off({-20'000, -10'000}, 2) == 10'000);
}

TEST_CASE("a clock may be off by two seconds, and leads again once it is off by less than one and a half") {
  CHECK(clock_allows(std::nullopt, false));
  CHECK(clock_allows(Millis{2'000}, true));
  CHECK(clock_allows(Millis{-2'000}, true));
  CHECK_FALSE(clock_allows(Millis{2'001}, true));
  CHECK_FALSE(clock_allows(Millis{-2'001}, true));
  CHECK_FALSE(clock_allows(Millis{1'900}, false));
  CHECK(clock_allows(Millis{1'500}, false));
}

TEST_CASE("a frame that was late does not make a clock slow") {
  HeardClock clock;
  clock.heard(kNoon, kThen);
  for (int late = 1; late < 4; late++) clock.heard(kNoon + late * 1s, kThen + late * 1s + 7s);
  CHECK(clock.ahead(kNoon + 11s, kThen + 11s) == 0ms);
  CHECK(clock.ahead(kNoon + 8s, kThen + 11s) == 3s);
}

TEST_CASE("a clock that was set is seen as it is now") {
  HeardClock clock;
  for (int i = 0; i < 20; i++) clock.heard(kNoon + i * 1s + 10s, kThen + i * 1s);
  CHECK(clock.ahead(kNoon + 20s, kThen + 20s) == 10s);
  CHECK(clock.ahead(kNoon + 30s, kThen + 20s) == 0s);  // This node's own was set: at once.
  for (int i = 20; i < 25; i++) clock.heard(kNoon + i * 1s, kThen + i * 1s);
  CHECK(clock.ahead(kNoon + 25s, kThen + 25s) == 0s);
}
