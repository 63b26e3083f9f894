// An aggregate whose domain has deadlines: once a second it is told to sweep.
#pragma once

#include <utility>

#include "actors/aggregate.hpp"
#include "actors/loud.hpp"

namespace muster::actors {

constexpr std::chrono::milliseconds kSweepEvery{1000};

template <class D>
struct SweepingState : AggregateState<D> {
  SweepingState() = default;
  bool sweeping = false;  ///< A tick is on its way; only while it leads.
};

/// `SweepCommand` of domain D changes nothing when nothing is due.
template <class D, class SweepCommand>
typename Aggregate<D>::behavior_type sweeping(Self<Aggregate<D>, SweepingState<D>> self, AggregateDeps deps) {
  end_loudly(self, "domain " + std::to_string(deps.domain));
  self->state.deciding.emplace(std::move(deps));
  return {
    [self](const AsksPtr<D>& asks) {
      for (const auto& ask : *asks) self->state.deciding->ask(ask);
      self->state.deciding->submit();
    },
    [self](lead_atom, const LeadPtr& lead) {
      self->state.deciding->lead(*lead);
      if (!std::exchange(self->state.sweeping, true)) self->delayed_send(self, kSweepEvery, tick_atom::value);
    },
    [self](unlead_atom) { self->state.deciding->unlead(); },
    [self](tick_atom) {
      self->state.sweeping = self->state.deciding->leading();
      if (!self->state.sweeping) return;
      self->delayed_send(self, kSweepEvery, tick_atom::value);
      auto ask = std::make_shared<Ask<D>>();
      ask->command = SweepCommand{};
      self->state.deciding->ask(ask, Proof::not_needed);
      self->state.deciding->submit();
    },
  };
}

}  // namespace muster::actors
