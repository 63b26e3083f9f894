// The registry's actor: decides about nodes, and notices who has fallen silent.
#pragma once

#include <unordered_map>

#include "actors/aggregate.hpp"
#include "actors/beats.hpp"

namespace muster::actors {

struct RegistryDeps {
  AggregateDeps aggregate;
  Millis ttl{30'000};  ///< Silence after which a node is stale.
  std::shared_ptr<Beats> beats;
  /// A node was heard; on the actor's thread. For the bus.
  std::function<void(const nodes::Command&)> heard;
};

struct RegistryState {
  RegistryState() = default;
  std::optional<Deciding<NodesDomain>> deciding;
  struct Heard {
    caf::actor_clock::time_point at;
    Time time{};  // The same, by wall clock.
    bool news = false;
  };
  std::unordered_map<std::string, Heard> last_heard;  // Of every node that is not silent.
  std::vector<std::string> news;                      // Whose times are not in `shown` yet.
  Beats::Map shown;
  bool dirty = false;
};

/// Every node gets one full TTL when leadership begins: a restart makes nobody silent.
Aggregate<NodesDomain>::behavior_type registry(Self<Aggregate<NodesDomain>, RegistryState> self,
                                               RegistryDeps deps);

}  // namespace muster::actors
