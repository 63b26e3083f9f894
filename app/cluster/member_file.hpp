// DATA/member.json: which member this folder is, for the time before its own log says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/joining.hpp"

namespace muster::app {

struct MemberFile {
  uint64_t id = 0;                     ///< As Raft knows it.
  std::string address;                 ///< Its name in Raft's configuration.
  std::string cluster;                 ///< Empty until the cluster is founded.
  bool joined = false;                 ///< It was let in, and never founds a cluster by itself.
  std::vector<RosterEntry> members{};  ///< Whom it was told of when it was let in, or since.
  std::string removed{};               ///< Why it is no member any more; empty: it is one.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("address", self.address);
    visit("cluster", self.cluster);
    visit("joined", self.joined);
    visit("members", self.members);
    visit("removed", self.removed);
  }
};

/// Nothing when there is no such file. Error: `config.invalid` for one that does not read.
Result<std::optional<MemberFile>> read_member_file(const std::string& data);
Status write_member_file(const std::string& data, const MemberFile& member);

}  // namespace muster::app
