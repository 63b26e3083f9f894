// A whole cluster in one thread under a seed: the shipped code, faults for a while, then peace; and what must
// hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/planted.hpp"
#include "consensus/replica.hpp"

namespace muster::sim {

constexpr unsigned kMostNodes = 9, kMostMinutes = 24 * 60;

/// Bugs below the shipped code.
struct Broken {
  bool votes_forgotten = false;  ///< A vote is gone after a crash.
  bool acks_forged = false;      ///< An entry counts as stored where it was only sent to: no majority has it.
  bool epochs_ignored = false;   ///< Who gives the lease back ends it, whatever epoch it says it has.
};

struct Options {
  uint64_t seed = 1;
  unsigned nodes = 3;  ///< Voters at first; two more machines come and go.
  uint64_t faults_ms = 60'000;
  actors::Planted planted{};
  consensus::Rules rules{};
  Broken broken{};
};

struct Outcome {
  uint64_t seed = 0;
  std::string violation;             ///< Empty: everything held.
  std::vector<std::string> history;  ///< What led to it: what it names, and what happened last.
  std::string digest;                ///< Of everything that happened: the same for the same seed.
  std::string state;                 ///< Of all states and views at the end, equal on every node.
  uint64_t virtual_ms = 0, lines = 0, acknowledged = 0, reads = 0, leaders = 0, faults = 0;
};

[[nodiscard]] Outcome run(const Options& options);

}  // namespace muster::sim
