// Bugs on purpose, all off: what each would break is shown by the simulator, which has to find it.
#pragma once

namespace muster::actors {

struct Planted {
  bool early_refusals = false;   ///< A refusal does not wait for what it was decided against.
  bool lost_keys = false;        ///< The reply under an idempotency key is not kept.
  bool stale_decisions = false;  ///< Decisions of an earlier leadership are taken.
  bool unproven_reads = false;   ///< Who believes to lead serves a consistent read without a barrier.
  bool unchecked_chain = false;  ///< A node starts without checking that its lines are a chain.
};

}  // namespace muster::actors
