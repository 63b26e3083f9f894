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
  "a hundred clusters keep their promises under lost, late and doubled messages, crashes, failing disks "
  "and changing members",
  "[S0-08]") {
  run(1, 100, {});
}

TEST_CASE("three voters that never change keep their promises", "[S0-08]") {
  run(1001, 20, {.change_members = false});
}

TEST_CASE("plant", "[.plant]") {
  const std::string what = std::getenv("PLANT");
  SimOptions options;
  if (what == "votes") options.planted.votes_forgotten = true;
  if (what == "acks") options.planted.acks_forged = true;
  if (what == "gate") options.rules.gate = false;
  if (what == "gate" || what == "piped")
    options.change_members = false, options.voters = 5, options.in_flight = 20,
    options.rules.one_batch = false;
  if (what == "barrier") options.rules.barrier = false;
  if (what == "reopen") options.rules.reopen = false;
  if (what == "lines") options.rules.whole_lines = false;
  if (what == "fail") options.rules.fail_whole = false;
  if (what == "term") options.rules.new_term = false;
  if (std::getenv("STILL")) options.change_members = false;
  int found = 0, stalled = 0;
  for (options.seed = 1; options.seed <= 500 && found < 3; options.seed++) {
    Sim sim{options};
    try {
      sim.run();
    } catch (const Stalled& wrong) {
      if (stalled++ < 2) std::cout << wrong.what() << std::endl;
    } catch (const std::exception& wrong) {
      if (found++ < 4) std::cout << wrong.what() << std::endl;
    }
  }
  std::cout << what << " found " << found << " stalled " << stalled << std::endl;
}

TEST_CASE("two thousand clusters lose nothing", "[.long]") {
  run(2001, 2000, {});
}
