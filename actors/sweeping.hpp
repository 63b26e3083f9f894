// An aggregate whose domain has deadlines: once a second it is told to sweep.
#pragma once

#include "actors/aggregate.hpp"

namespace muster::actors {

constexpr std::chrono::milliseconds kSweepEvery{1000};

/// `SweepCommand` of domain D changes nothing when nothing is due.
template <class D, class SweepCommand>
typename Aggregate<D>::behavior_type sweeping(Self<Aggregate<D>, AggregateState<D>> self,
                                              AggregateDeps deps) {
  self->state.deciding.emplace(std::move(deps));
  self->delayed_send(self, kSweepEvery, tick_atom::value);
  return {
    [self](const AsksPtr<D>& asks) {
      for (const auto& ask : *asks) self->state.deciding->ask(ask);
      self->state.deciding->submit();
    },
    [self](lead_atom, const LeadPtr& lead) { self->state.deciding->lead(*lead); },
    [self](unlead_atom) { self->state.deciding->unlead(); },
    [self](tick_atom) {
      self->delayed_send(self, kSweepEvery, tick_atom::value);
      if (!self->state.deciding->leading()) return;
      auto ask = std::make_shared<Ask<D>>();
      ask->command = SweepCommand{};
      self->state.deciding->ask(ask, Proof::not_needed);
      self->state.deciding->submit();
    },
  };
}

}  // namespace muster::actors
