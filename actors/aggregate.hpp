// One actor per domain: decide on the working state, evolve at once, hand the events to the log without
// waiting.
#pragma once

#include <optional>
#include <utility>

#include "actors/deciding.hpp"
#include "actors/interfaces.hpp"
#include "actors/loud.hpp"

namespace muster::actors {

template <class D>
struct AggregateState {
  AggregateState() = default;  // Not an aggregate: see SelfOf.
  std::optional<Deciding<D>> deciding;
};

/// An aggregate without deadlines.
template <class D>
typename Aggregate<D>::behavior_type aggregate(Self<Aggregate<D>, AggregateState<D>> self,
                                               AggregateDeps deps) {
  end_loudly(self, "domain " + std::to_string(deps.domain));
  self->state.deciding.emplace(std::move(deps));
  return {
    [self](const AsksPtr<D>& asks) {
      for (const auto& ask : *asks) self->state.deciding->ask(ask);
      self->state.deciding->submit();
    },
    [self](lead_atom, const LeadPtr& begin) { self->state.deciding->lead(*begin); },
    [self](unlead_atom) { self->state.deciding->unlead(); },
    [](tick_atom) {},
  };
}

}  // namespace muster::actors
