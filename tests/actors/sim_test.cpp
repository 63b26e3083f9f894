// Whole clusters of the shipped code under faults: they keep their promises, and planted bugs are found.
#include <algorithm>
#include <csignal>
#include <functional>
#include <iostream>
#include <string_view>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/sim/history.hpp"
#include "actors/sim/run.hpp"

using namespace muster;

namespace {

constexpr uint64_t kFaultsMs = 20'000;
constexpr uint64_t kSeedsToFind = 500;
#ifdef MUSTER_SANITIZED
constexpr uint64_t kSeeds = 30, kLongSeeds = 5;  // Every step takes ten times as long.
#else
constexpr uint64_t kSeeds = 300, kLongSeeds = 30;
#endif

sim::Options options(uint64_t seed, uint64_t faults_ms = kFaultsMs) {
  sim::Options chosen;
  chosen.seed = seed;
  chosen.faults_ms = faults_ms;
  return chosen;
}

void expect_held(const sim::Outcome& done) {
  INFO("seed " << done.seed);
  std::string history;
  for (const auto& line : done.history) history += line + '\n';
  INFO(history);
  CHECK(done.violation == "");
  CHECK(done.acknowledged > 20);
}

/// A bug on purpose. `shows`: what the violation says, at least; empty: libraft may end the process as well.
struct Plant {
  const char* what;
  void (*plant)(sim::Options&);
  const char* shows;
  uint64_t known;  ///< A seed that finds it, tried first.
};

const Plant kPlants[] = {
  {"a vote is forgotten in a crash", [](sim::Options& o) { o.broken.votes_forgotten = true; }, "", 8},
  {"an entry is committed that no majority has", [](sim::Options& o) { o.broken.acks_forged = true; },
   "has another line", 3},
  {"a leader decides before its barrier (rule 2)", [](sim::Options& o) { o.rules.barrier = false; }, "", 12},
  {"a configuration is cut off while libraft is open (rule 4)",
   [](sim::Options& o) { o.rules.reopen = false; }, "", 41},
  {"a snapshot counts before its lines are here (rule 10)",
   [](sim::Options& o) { o.rules.whole_lines = false; }, "", 3},
  {"replies do not come with lines (rule 10)", [](sim::Options& o) { o.rules.whole_replies = false; }, "op",
   14},
  {"a refusal is told too early", [](sim::Options& o) { o.planted.early_refusals = true; },
   "for a reason that is not in the log", 1},
  {"a decision of an earlier leadership is taken", [](sim::Options& o) { o.planted.stale_decisions = true; },
   "", 4},
  {"a lease is given back under an epoch that has passed",
   [](sim::Options& o) { o.broken.epochs_ignored = true; }, "back, and that ended epoch", 1},
  {"a reply is not kept under its key", [](sim::Options& o) { o.planted.lost_keys = true; }, "is done", 2},
  {"a consistent read is served without a barrier", [](sim::Options& o) { o.planted.unproven_reads = true; },
   "a consistent read saw line", 1},
  {"a node starts on a log that is no chain", [](sim::Options& o) { o.planted.unchecked_chain = true; },
   "on its disk", 6},
};

/// That nothing goes on is no sign of what was planted.
bool shows(const std::string& violation, std::string_view part) {
  return !violation.empty() && violation.find(": no ") == std::string::npos &&
         violation.find(part) != std::string::npos;
}

/// Whether that seed shows what was planted, or the process ends: libraft does not survive everything.
bool finds(const Plant& planted, uint64_t seed) {
  auto chosen = options(seed);
  planted.plant(chosen);
  const auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (const int sign : {SIGSEGV, SIGABRT, SIGBUS}) std::signal(sign, SIG_DFL);  // Not a failed test.
    const auto violation = sim::run(chosen).violation;
    _exit(shows(violation, planted.shows) ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? planted.shows[0] == '\0' : status != 0;
}

}  // namespace

TEST_CASE("three hundred clusters of the shipped code keep their promises under faults", "[S2-60]") {
  for (uint64_t seed = 1; seed <= kSeeds; seed++) expect_held(sim::run(options(seed)));
}

TEST_CASE("a minute of faults is survived") {
  for (uint64_t seed = 1; seed <= kLongSeeds; seed++) expect_held(sim::run(options(seed, 60'000)));
}

TEST_CASE("seeds that once failed keep their promises") {
  // A reply is read from a disk that called its write failed; a peer's checkpoint takes the place of lines
  // that are still to be folded. Of 5701 only that it failed is known. 1549 and 4201: the simulator cut the
  // power of a disk that its node had opened again already.
  for (const uint64_t seed : {796, 1549, 2654, 2733, 4201, 5701})
    expect_held(sim::run(options(seed, 60'000)));
}

TEST_CASE("one voter, and five, keep their promises under faults") {
  for (const unsigned nodes : {1U, 5U})
    for (uint64_t seed = 1; seed <= 10; seed++) {
      auto chosen = options(seed);
      chosen.nodes = nodes;
      expect_held(sim::run(chosen));
    }
}

TEST_CASE("a read shows no less than any read had shown before it was asked") {
  const std::function<uint64_t()> now_ms = [] { return uint64_t{0}; };
  sim::History history{now_ms};
  const auto early = history.to_be_seen();
  history.read(early, 50);  // Of what nobody was told yet.
  const auto later = history.to_be_seen();
  history.read(early, 49);  // It was under way at the same time.
  history.read(later, 50);
  CHECK_THROWS_AS(history.read(later, 49), sim::Violation);
}

TEST_CASE("the same seed is the same run, and another seed is another") {
  const auto once = sim::run(options(7)), again = sim::run(options(7)), other = sim::run(options(8));
  CHECK(once.digest == again.digest);
  CHECK(once.state == again.state);
  CHECK(once.digest != other.digest);
}

TEST_CASE("a failing seed tells what led to it, and how it ended") {
  auto chosen = options(1);
  chosen.planted.lost_keys = true;
  auto done = sim::run(chosen);
  for (; done.violation.empty() && chosen.seed < 50; done = sim::run(chosen)) chosen.seed++;
  REQUIRE(done.violation.find("op") != std::string::npos);
  const auto name = done.violation.substr(done.violation.find("op"));
  const auto op = name.substr(0, name.find(' '));
  REQUIRE(!done.history.empty());
  CHECK(done.history.size() < 200);
  CHECK(std::any_of(done.history.begin(), done.history.end(), [&](const std::string& line) {
    return line.find("for " + op + ".") != std::string::npos;
  }));
}

TEST_CASE("the simulator of whole nodes finds every bug that is planted within five hundred seeds") {
  for (const auto& planted : kPlants) {
    INFO(planted.what);
    auto seed = planted.known;
    if (!finds(planted, seed))
      for (seed = 1; seed <= kSeedsToFind && !finds(planted, seed);) seed++;
    if (seed != planted.known)
      std::cout << planted.what << ": found by seed " << seed << ", no more by " << planted.known
                << std::endl;
    CHECK(seed <= kSeedsToFind);
  }
}
