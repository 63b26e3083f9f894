// The leader lease: one holder, an epoch that only grows, the next claimant wins when it lapses.
#pragma once

#include <string>
#include <variant>

#include "domain/decision.hpp"
#include "events/cluster.hpp"
#include "events/lease.hpp"

namespace muster::lease {

/// POST /v1/leader/claim. `lapsed`: the holder's deadline has passed, as the lease's actor knows it.
struct Claim {
  std::string node, url;
  bool lapsed = false;
};
/// The deadline of `epoch` passed without a renewal.
struct Lapse {
  uint64_t epoch = 0;
};
using Command = std::variant<Claim, Lapse>;

struct Lease {
  std::string node, url;  ///< Empty: nobody holds it.
  uint64_t epoch = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("url", self.url);
    visit("epoch", self.epoch);
  }
};

struct State {
  Lease lease;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("lease", self.lease);
  }
};

/// The result is {"granted":bool,"leader_url":"...","epoch":N}. Error: `field.invalid`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

State evolve(State state, const Granted& event);
State evolve(State state, const Moved& event);
State evolve(State state, const Lapsed& event);
/// A restore or a recovery raises the epoch, and nobody holds the lease any more.
State evolve(State state, const cluster::Restored& event);
State evolve(State state, const cluster::Recovered& event);

}  // namespace muster::lease
