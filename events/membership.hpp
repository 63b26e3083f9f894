// Who is let into the cluster, and who leaves it. Part of events/cluster.hpp.
#pragma once

#include <string>
#include <vector>

#include "events/fields.hpp"

namespace muster::cluster {

/// A node was let in. Raft is told afterwards: roles are its own.
struct MemberJoined {
  static constexpr std::string_view type = "member.joined";
  std::string member;
  uint64_t id = 0;      ///< As Raft knows it; another one each time a node comes with a new key.
  std::string address;  ///< host:port of its member port.
  std::string url;      ///< Where it serves HTTP.
  std::string key;      ///< SHA-256 of its certificate's public key, hex: nobody else is this member.
  std::string by;       ///< The join token that let it in; empty: it holds the cluster key.

  [[nodiscard]] std::string stream() const { return "member/" + member; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
    visit("id", self.id);
    visit("address", self.address);
    visit("url", self.url);
    visit("key", self.key);
    visit("by", self.by);
  }
  bool operator==(const MemberJoined&) const = default;
};

/// It is no member any more: removed by somebody, gone by its own word, or replaced by the same node with a
/// new key.
struct MemberLeft {
  static constexpr std::string_view type = "member.left";
  std::string member;
  uint64_t id = 0;
  std::string reason;  ///< removed, left, replaced, lost

  [[nodiscard]] std::string stream() const { return "member/" + member; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
    visit("id", self.id);
    visit("reason", self.reason);
  }
  bool operator==(const MemberLeft&) const = default;
};

/// Whoever brings this token is let in, once, until it expires.
struct JoinTokenMade {
  static constexpr std::string_view type = "join_token.made";
  std::string token;  ///< Its id.
  std::string hash;   ///< SHA-256 of its secret, hex.
  Time expires{};

  [[nodiscard]] std::string stream() const { return "join_token/" + token; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("token", self.token);
    visit("hash", self.hash);
    visit("expires", self.expires);
  }
  bool operator==(const JoinTokenMade&) const = default;
};

/// It let a member in, or was taken back: it lets nobody in any more.
struct JoinTokenSpent {
  static constexpr std::string_view type = "join_token.spent";
  std::string token;
  std::string member;  ///< Whom it let in; empty: it was revoked.

  [[nodiscard]] std::string stream() const { return "join_token/" + token; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("token", self.token);
    visit("member", self.member);
  }
  bool operator==(const JoinTokenSpent&) const = default;
};

/// A majority was lost, and a person said that this member goes on without it. The epoch jumps: whoever comes
/// back from the lost side is refused.
struct Recovered {
  static constexpr std::string_view type = "cluster.recovered";
  std::string member;             ///< Which goes on.
  std::vector<std::string> lost;  ///< The voters that it goes on without.
  uint64_t seq = 0;               ///< The last line it had.
  uint64_t epoch = 0;             ///< From now on.

  [[nodiscard]] std::string stream() const { return "cluster"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("member", self.member);
    visit("lost", self.lost);
    visit("seq", self.seq);
    visit("epoch", self.epoch);
  }
  bool operator==(const Recovered&) const = default;
};

}  // namespace muster::cluster
