// What happens to the cluster and to the log itself.
#pragma once

#include <string>
#include <variant>

#include "events/cluster_key.hpp"
#include "events/fields.hpp"
#include "events/membership.hpp"

namespace muster::cluster {

/// The first event of every log.
struct Created {
  static constexpr std::string_view type = "cluster.created";
  std::string cluster;
  uint64_t feature_level = 1;

  [[nodiscard]] std::string stream() const { return "cluster"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("feature_level", self.feature_level);
  }
  bool operator==(const Created&) const = default;
};

/// A member's process is up and can write.
struct MemberStarted {
  static constexpr std::string_view type = "member.started";
  std::string member, version;
  uint64_t feature_level = 1;  ///< The highest level this build supports.
  std::string public_key;      ///< Ed25519, hex: what its signatures on checkpoints are checked with.
  uint64_t id = 0;             ///< As Raft knows it; 0: written by a build that knew no others.
  std::string address, url;    ///< Its member port, and where it serves HTTP, from this start on.
  std::string key;             ///< SHA-256 of its certificate's public key, hex.
  std::string boot;            ///< Differs from start to start.

  [[nodiscard]] std::string stream() const { return "member/" + member; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
    visit("version", self.version);
    visit("feature_level", self.feature_level);
    visit("public_key", self.public_key);
    visit("id", self.id);
    visit("address", self.address);
    visit("url", self.url);
    visit("key", self.key);
    visit("boot", self.boot);
  }
  bool operator==(const MemberStarted&) const = default;
};

/// A member's process is about to stop in good order.
struct MemberStopped {
  static constexpr std::string_view type = "member.stopped";
  std::string member;

  [[nodiscard]] std::string stream() const { return "member/" + member; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
  }
  bool operator==(const MemberStopped&) const = default;
};

/// The folder was restored from a backup; the epoch jumps so that nobody mistakes the new history for the
/// old.
struct Restored {
  static constexpr std::string_view type = "cluster.restored";
  std::string backup;  ///< SHA-256 of the backup file, hex.
  uint64_t seq = 0;    ///< The last seq that the backup held.
  uint64_t epoch = 0;  ///< The epoch from now on.

  [[nodiscard]] std::string stream() const { return "cluster"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("backup", self.backup);
    visit("seq", self.seq);
    visit("epoch", self.epoch);
  }
  bool operator==(const Restored&) const = default;
};

/// Event types of this level may be written from now on.
struct FeatureRaised {
  static constexpr std::string_view type = "feature.raised";
  uint64_t level = 0;

  [[nodiscard]] std::string stream() const { return "cluster"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("level", self.level);
  }
  bool operator==(const FeatureRaised&) const = default;
};

/// A checkpoint of every state and view was stored.
struct Checkpointed {
  static constexpr std::string_view type = "log.checkpointed";
  uint64_t at = 0;     ///< The last seq it contains.
  std::string head;    ///< SHA-256 of that line, hex.
  std::string digest;  ///< SHA-256 of the two SHA-256s (hex) of its states' and its views' text, hex.
  uint64_t bytes = 0;
  StringMap signatures;  ///< Member to Ed25519 signature (hex) of "muster checkpoint <at> <head> <digest>".

  [[nodiscard]] std::string stream() const { return "log"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("head", self.head);
    visit("digest", self.digest);
    visit("bytes", self.bytes);
    visit("signatures", self.signatures);
  }
  bool operator==(const Checkpointed&) const = default;
};

/// The lines up to `to` were dropped.
struct Compacted {
  static constexpr std::string_view type = "log.compacted";
  uint64_t from = 0, to = 0;  ///< First and last dropped seq.
  std::string head;           ///< SHA-256 of the last dropped line, hex.
  uint64_t lines = 0, bytes = 0;
  uint64_t checkpoint = 0;  ///< The checkpoint that holds what they said.

  [[nodiscard]] std::string stream() const { return "log"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from", self.from);
    visit("to", self.to);
    visit("head", self.head);
    visit("lines", self.lines);
    visit("bytes", self.bytes);
    visit("checkpoint", self.checkpoint);
  }
  bool operator==(const Compacted&) const = default;
};

/// What the log says up to here was told to the broker that overlay events go to.
struct OutboxMoved {
  static constexpr std::string_view type = "outbox.moved";
  std::string bus;  ///< rabbitmq or kafka; empty: there is none any more.
  uint64_t to = 0;

  [[nodiscard]] std::string stream() const { return "outbox"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("bus", self.bus);
    visit("to", self.to);
  }
  bool operator==(const OutboxMoved&) const = default;
};

using Event = std::variant<Created, MemberStarted, MemberStopped, Restored, FeatureRaised, Checkpointed,
                           Compacted, MemberJoined, MemberLeft, JoinTokenMade, JoinTokenSpent, Recovered,
                           KeyStaged, KeyForced, KeySwitched, KeyRotated, CheckpointSigned, OutboxMoved>;

}  // namespace muster::cluster
