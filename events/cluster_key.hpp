// Changing the cluster key, step by step, and who else stands behind a checkpoint. Part of
// events/cluster.hpp.
#pragma once

#include <string>
#include <vector>

#include "events/fields.hpp"

namespace muster::cluster {

/// A majority of the voters has a new cluster key on disk: members trust certificates of both from now on.
struct KeyStaged {
  static constexpr std::string_view type = "cluster_key.staged";
  std::string rotation;  ///< Its id.
  std::string from, to;  ///< The authorities: SHA-256 of their certificates, hex. The key itself is nowhere.

  [[nodiscard]] std::string stream() const { return "cluster_key"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rotation", self.rotation);
    visit("from", self.from);
    visit("to", self.to);
  }
  bool operator==(const KeyStaged&) const = default;
};

/// Somebody said that the change does not wait for these members.
struct KeyForced {
  static constexpr std::string_view type = "cluster_key.forced";
  std::string rotation;
  std::vector<std::string> without;

  [[nodiscard]] std::string stream() const { return "cluster_key"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rotation", self.rotation);
    visit("without", self.without);
  }
  bool operator==(const KeyForced&) const = default;
};

/// Every member trusts both: each shows a certificate of the new one from now on. Join tokens that were made
/// before name the old one and are void.
struct KeySwitched {
  static constexpr std::string_view type = "cluster_key.switched";
  std::string rotation;

  [[nodiscard]] std::string stream() const { return "cluster_key"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rotation", self.rotation);
  }
  bool operator==(const KeySwitched&) const = default;
};

/// Every member shows a certificate of the new one: the old one is trusted no more.
struct KeyRotated {
  static constexpr std::string_view type = "cluster_key.rotated";
  std::string rotation;

  [[nodiscard]] std::string stream() const { return "cluster_key"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rotation", self.rotation);
  }
  bool operator==(const KeyRotated&) const = default;
};

/// A voter folded the log up to a checkpoint by itself, came to the same digest, and signs it.
struct CheckpointSigned {
  static constexpr std::string_view type = "log.signed";
  uint64_t at = 0;
  std::string head, digest;  ///< As in log.checkpointed.
  std::string member;
  std::string signature;  ///< Ed25519, hex, of what log.checkpointed says.

  [[nodiscard]] std::string stream() const { return "log"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("head", self.head);
    visit("digest", self.digest);
    visit("member", self.member);
    visit("signature", self.signature);
  }
  bool operator==(const CheckpointSigned&) const = default;
};

}  // namespace muster::cluster
