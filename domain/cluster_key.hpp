// Deciding about the cluster key's change and about signatures on checkpoints. Part of domain/cluster.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/decision.hpp"
#include "events/cluster.hpp"

namespace muster::cluster {

struct State;

/// How far a change of the cluster key is.
struct KeyChange {
  std::string rotation, from, to;
  std::string phase;                 ///< staged, switched, rotated: see the events.
  std::vector<std::string> without;  ///< Members that are not waited for.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rotation", self.rotation);
    visit("from", self.from);
    visit("to", self.to);
    visit("phase", self.phase);
    visit("without", self.without);
  }
  [[nodiscard]] bool under_way() const { return phase != "rotated"; }
};

/// The checkpoint that may be signed, and by whom it was.
struct SignedCheckpoint {
  uint64_t at = 0;
  std::string head, digest;
  std::vector<std::string> signers;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("head", self.head);
    visit("digest", self.digest);
    visit("signers", self.signers);
  }
};

/// A majority of the voters keeps the new key. The result is the KeyChange.
struct RotateKey {
  KeyStaged staged;
};
/// The change goes on without these members; none: nobody is left out. The result is the KeyChange.
struct ForceKey {
  std::vector<std::string> without;
};
/// All members are where `to` needs them: switched or rotated.
struct AdvanceKey {
  std::string rotation, to;
};
/// A member's signature, checked by whoever leads.
struct SignCheckpoint {
  CheckpointSigned made;
};

/// Errors: `conflict`.
Result<Decision<Event>> decide_key(const State& state, const RotateKey& command);
Result<Decision<Event>> decide_key(const State& state, const ForceKey& command);
Result<Decision<Event>> decide_key(const State& state, const AdvanceKey& command);
Result<Decision<Event>> decide_key(const State& state, const SignCheckpoint& command);

}  // namespace muster::cluster
