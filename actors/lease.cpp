// The leader lease's actor.
#include "actors/lease.hpp"

#include <utility>

#include "actors/loud.hpp"

namespace muster::actors {
namespace {

using SelfPtr = Self<Aggregate<LeaseDomain>, LeaseState>;

constexpr std::chrono::milliseconds kSweep{250};

bool lapsed(SelfPtr self, const LeaseDeps& deps) {
  auto& state = self->state;
  const auto& lease = state.deciding->state().lease;
  if (lease.node.empty() || (lease.node == deps.node && !deps.url.empty())) return false;
  auto renewed = state.renewed;
  if (const auto led = deps.beats->led(lease.node); led && *led > renewed) renewed = *led;
  return self->clock().now() - renewed > deps.ttl;
}

void decide_claim(SelfPtr self, const LeaseDeps& deps, const AskPtr<LeaseDomain>& ask) {
  auto& state = self->state;
  const auto* claim = std::get_if<lease::Claim>(&ask->command);
  if (!claim) return void(state.deciding->ask(ask));
  auto known = std::make_shared<Ask<LeaseDomain>>(*ask);
  std::get<lease::Claim>(known->command).lapsed = lapsed(self, deps);
  const auto epoch = state.deciding->state().lease.epoch;
  if (!state.deciding->ask(known)) return;
  const auto& lease = state.deciding->state().lease;
  if (lease.node == claim->node || lease.epoch != epoch) state.renewed = self->clock().now();
}

/// Raft's leader holds the lease: it takes it from a member that leads no more, or when it is free.
bool take(SelfPtr self, const LeaseDeps& deps) {
  const auto& state = self->state;
  if (deps.url.empty() || !state.deciding->leading()) return false;
  const auto& lease = state.deciding->state().lease;
  if (lease.node == deps.node && lease.url == deps.url) return false;
  return lease.node.empty() || lease.node == deps.node || deps.is_member(lease.node) || lapsed(self, deps);
}

void sweep(SelfPtr self, const LeaseDeps& deps) {
  auto& state = self->state;
  state.sweeping = state.deciding->leading();
  if (!state.sweeping) return;
  self->delayed_send(self, kSweep, tick_atom::value);
  if (take(self, deps)) {
    auto claim = std::make_shared<Ask<LeaseDomain>>();
    claim->command = lease::Claim{deps.node, deps.url, true};
    state.deciding->ask(claim, Proof::not_needed);
    return state.deciding->submit();
  }
  if (!lapsed(self, deps)) return;
  auto ask = std::make_shared<Ask<LeaseDomain>>();
  ask->command = lease::Lapse{state.deciding->state().lease.epoch};
  state.deciding->ask(ask, Proof::not_needed);
  state.deciding->submit();
}

}  // namespace

Aggregate<LeaseDomain>::behavior_type lease_actor(SelfPtr self, LeaseDeps deps) {
  end_loudly(self, "lease");
  self->state.deciding.emplace(deps.aggregate);
  const auto shared = std::make_shared<const LeaseDeps>(std::move(deps));
  return {
    [self, shared](const AsksPtr<LeaseDomain>& asks) {
      for (const auto& ask : *asks) decide_claim(self, *shared, ask);
      self->state.deciding->submit();
    },
    [self](lead_atom, const LeadPtr& lead) {
      self->state.deciding->lead(*lead);
      self->state.renewed = self->clock().now();
      if (!std::exchange(self->state.sweeping, true)) self->delayed_send(self, kSweep, tick_atom::value);
    },
    [self](unlead_atom) { self->state.deciding->unlead(); },
    [self, shared](tick_atom) { sweep(self, *shared); },
  };
}

}  // namespace muster::actors
