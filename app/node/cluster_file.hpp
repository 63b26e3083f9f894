// cluster.json: what a node last knew of its cluster (supervisor contract, section 10).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "events/fields.hpp"

namespace muster::app {

struct ClusterFile {
  std::string node_id, role;
  std::string cluster;  ///< Whose epoch it is.
  uint64_t epoch = 0;
  std::vector<std::string> services;
  std::string leader_url, control_plane_url, gateway_url;
  uint64_t ttl_seconds = 0;
  std::string plan_generation;
  std::vector<std::string>
    members;  ///< Where the members serve HTTP: asked when the one that is named is gone.
  bool operator==(const ClusterFile&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node_id", self.node_id);
    visit("role", self.role);
    visit("cluster", self.cluster);
    visit("epoch", self.epoch);
    visit("services", self.services);
    visit("leader_url", self.leader_url);
    visit("control_plane_url", self.control_plane_url);
    visit("gateway_url", self.gateway_url);
    visit("ttl_seconds", self.ttl_seconds);
    visit("plan_generation", self.plan_generation);
    visit("members", self.members);
  }
};

/// `folder`/cluster.json. Nothing: a first boot. Error: `config.invalid` when it is there and is not one.
Result<std::optional<ClusterFile>> read_cluster_file(const std::string& folder);
/// Indented by two; to cluster.json.tmp, synced, renamed; mode 0600. Makes the folder.
Status write_cluster_file(const std::string& folder, const ClusterFile& file);

}  // namespace muster::app
