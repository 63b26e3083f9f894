// Every domain there is: one line for each. State, commands and events by name.
#pragma once

#include <array>
#include <string_view>
#include <tuple>

#include "domain/bootstrap.hpp"
#include "domain/claims.hpp"
#include "domain/cluster.hpp"
#include "domain/lease.hpp"
#include "domain/nodes.hpp"
#include "domain/plans.hpp"
#include "domain/runs.hpp"
#include "domain/secrets.hpp"
#include "domain/services.hpp"
#include "domain/sources.hpp"
#include "domain/tokens.hpp"

namespace muster {

template <class S, class C, class E>
struct Domain {
  using State = S;
  using Command = C;
  using Event = E;
};

using ClusterDomain = Domain<cluster::State, cluster::Command, cluster::Event>;
using NodesDomain = Domain<nodes::State, nodes::Command, nodes::Event>;
using LeaseDomain = Domain<lease::State, lease::Command, lease::Event>;
using ClaimsDomain = Domain<claims::State, claims::Command, claims::Event>;
using TokensDomain = Domain<tokens::State, tokens::Command, tokens::Event>;
using SecretsDomain = Domain<secrets::State, secrets::Command, secrets::Event>;
using PlansDomain = Domain<plans::State, plans::Command, plans::Event>;
using BootstrapDomain = Domain<bootstrap::State, bootstrap::Command, bootstrap::Event>;
using ServicesDomain = Domain<services::State, services::Command, services::Event>;
using RunsDomain = Domain<runs::State, runs::Command, runs::Event>;
using SourcesDomain = Domain<sources::State, sources::Command, sources::Event>;

using States =
  std::tuple<cluster::State, nodes::State, lease::State, claims::State, tokens::State, secrets::State,
             plans::State, bootstrap::State, services::State, runs::State, sources::State>;
constexpr std::array<std::string_view, std::tuple_size_v<States>> kStateNames = {
  "cluster", "nodes",     "lease",    "claims", "tokens", "secrets",
  "plans",   "bootstrap", "services", "runs",   "sources"};

}  // namespace muster
