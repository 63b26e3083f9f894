// The leader lease's actor: grants, renews, and lets it lapse.
#pragma once

#include <functional>
#include <string>

#include "actors/aggregate.hpp"
#include "actors/beats.hpp"

namespace muster::actors {

struct LeaseDeps {
  AggregateDeps aggregate;
  Millis ttl{45'000};
  std::shared_ptr<Beats> beats;  ///< A heartbeat of the holder with role "leader" renews, too.
  /// Who leads Raft takes the lease, too, unless somebody outside holds it: this member, its URL, and who is
  /// a member. An empty URL: it does not.
  std::string node{}, url{};
  std::function<bool(const std::string& node)> is_member{};
};

struct LeaseState {
  LeaseState() = default;
  std::optional<Deciding<LeaseDomain>> deciding;
  caf::actor_clock::time_point renewed{};
  bool sweeping = false;  ///< A tick is on its way; only while it leads.
};

/// The holder gets one full TTL when leadership begins.
Aggregate<LeaseDomain>::behavior_type lease_actor(Self<Aggregate<LeaseDomain>, LeaseState> self,
                                                  LeaseDeps deps);

}  // namespace muster::actors
