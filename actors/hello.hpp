// What a member says of itself to every other, once a second.
#pragma once

#include <string>
#include <vector>

#include "events/fields.hpp"

namespace muster {

struct Hello {
  std::string node, boot, version;
  uint64_t feature_level = 1;
  std::string public_key;  ///< As in member.started.
  uint64_t id = 0;
  std::string address, url, key;
  std::string ca;    ///< The authority of the certificate that it shows: SHA-256, hex; empty: an older build.
  std::string also;  ///< The other one that it trusts, while the cluster key is changed.
  uint64_t seq = 0, index = 0, term = 0, leader = 0;
  Time time{};  ///< Its wall clock.
  bool stopping = false;
  bool rows = false;                     ///< It knows frames of rows; an older build does not say so.
  std::vector<std::string> sees;         ///< The members it hears.
  std::vector<std::string> without_log;  ///< From who leads: the members that are given no log.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("boot", self.boot);
    visit("version", self.version);
    visit("feature_level", self.feature_level);
    visit("public_key", self.public_key);
    visit("id", self.id);
    visit("address", self.address);
    visit("url", self.url);
    visit("key", self.key);
    visit("ca", self.ca);
    visit("also", self.also);
    visit("seq", self.seq);
    visit("index", self.index);
    visit("term", self.term);
    visit("leader", self.leader);
    visit("time", self.time);
    visit("stopping", self.stopping);
    visit("rows", self.rows);
    visit("sees", self.sees);
    visit("without_log", self.without_log);
  }
};

}  // namespace muster
