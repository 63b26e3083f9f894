// What a node that wants to become a member says, and what it is answered.
#pragma once

#include <string>
#include <vector>

#include "actors/peering.hpp"

namespace muster {

struct JoinRequest {
  std::string node, key;     ///< Its id, and SHA-256 of its public key, hex.
  std::string address, url;  ///< As in member.joined.
  std::string secret;        ///< The join token's; empty with a certificate.
  bool certified = false;    ///< Filled in by the member that checked its certificate,
  bool proven = false;       ///< and whether it showed that it holds the private half of `key`.
  /// It only wants to know whether it is a member still: code `member.removed` says that it is not. Its
  /// `url` is none, so that members who do not know this question refuse it.
  bool asks = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("key", self.key);
    visit("address", self.address);
    visit("url", self.url);
    visit("secret", self.secret);
    visit("certified", self.certified);
    visit("proven", self.proven);
    visit("asks", self.asks);
  }
};

struct JoinAnswer {
  std::string code, detail;  ///< Why not; empty: it is a member now.
  std::string cluster;
  uint64_t id = 0;
  std::string cluster_key;           ///< Hex.
  std::string reply_secret;          ///< Hex; empty: derived from the cluster key.
  std::vector<RosterEntry> members;  ///< Who is there; this node may not be among them yet.
  bool left = false;                 ///< With `member.removed`: it was its own word.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("code", self.code);
    visit("detail", self.detail);
    visit("cluster", self.cluster);
    visit("id", self.id);
    visit("cluster_key", self.cluster_key);
    visit("reply_secret", self.reply_secret);
    visit("members", self.members);
    visit("left", self.left);
  }
};

/// A node as Raft knows it: another one each time it comes with a new key, so that no vote is given twice.
[[nodiscard]] uint64_t member_id(const std::string& node, const std::string& key);

}  // namespace muster
