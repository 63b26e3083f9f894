// Whole clusters of the shipped code under faults.
#include "actors/sim/run.hpp"

#include <cstdlib>
#include <iostream>

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("clusters of the shipped code keep their promises under faults", "[S3-07]") {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    const auto done = sim::run({.seed = seed, .faults_ms = 20'000});
    INFO("seed " << seed);
    for (const auto& line : done.history) UNSCOPED_INFO(line);
    CHECK(done.violation == "");
  }
}
