// Clusters under faults: one leader a term, one history, nothing acknowledged is lost.
#include "support/sim.hpp"

#include <cstdlib>
#include <iostream>

#include <catch2/catch.hpp>

using namespace muster::consensus;

namespace {

/// Runs the seeds; MUSTER_SIM_SEEDS=first:count chooses others.
void run(uint64_t first, uint64_t count, SimOptions options) {
  if (const char* chosen = std::getenv("MUSTER_SIM_SEEDS")) {
    char* rest = nullptr;
    first = std::strtoull(chosen, &rest, 10);
    count = *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : 1;
  }
  std::map<std::string, uint64_t> totals;
  for (auto seed = first; seed < first + count; seed++) {
    options.seed = seed;
    Sim sim{options};
    try {
      sim.run();
    } catch (const std::exception& violation) {
      FAIL_CHECK(violation.what());
    }
    totals["acknowledged"] += sim.acknowledged();
    totals["virtual seconds"] += sim.now_ms() / 1000;
    for (const auto& [what, n] : sim.counts()) totals[what] += n;
  }
  std::cout << count << " seeds";
  for (const auto& [what, n] : totals) std::cout << ", " << n << " " << what;
  std::cout << std::endl;
}

}  // namespace

TEST_CASE(
  "three hundred clusters keep their promises under lost, late and doubled messages, crashes, failing disks "
  "and changing members",
  "[S0-08]") {
  run(1, 300, {});
}

TEST_CASE("three voters that never change keep their promises", "[S0-08]") {
  run(1001, 20, {.change_members = false});
}

TEST_CASE("five voters with many entries in flight keep their promises", "[S0-08]") {
  run(2001, 30, {.rules = {.one_batch = false}, .change_members = false, .voters = 5, .in_flight = 20});
}

TEST_CASE("two thousand clusters lose nothing", "[.long]") {
  run(2001, 2000, {});
}
