// Sweeping runs.
#include "actors/runs.hpp"

#include "actors/loud.hpp"
#include "actors/sweeping.hpp"

namespace muster::actors {
namespace {

constexpr size_t kGoneAtOnce = 64;  // Nodes that one sweep looks at; the next one takes the others.

}  // namespace

Aggregate<RunsDomain>::behavior_type runs_actor(Self<Aggregate<RunsDomain>, AggregateState<RunsDomain>> self,
                                                RunsDeps deps) {
  end_loudly(self, "runs");
  self->state.deciding.emplace(std::move(deps.aggregate));
  self->delayed_send(self, kSweepEvery, tick_atom::value);
  return {
    [self](const AsksPtr<RunsDomain>& asks) {
      for (const auto& ask : *asks) self->state.deciding->ask(ask);
      self->state.deciding->submit();
    },
    [self](lead_atom, const LeadPtr& begin) { self->state.deciding->lead(*begin); },
    [self](unlead_atom) { self->state.deciding->unlead(); },
    [self, views = std::move(deps.views), limits = deps.limits](tick_atom) {
      self->delayed_send(self, kSweepEvery, tick_atom::value);
      auto& deciding = *self->state.deciding;
      if (!deciding.leading() || deciding.state().active.empty()) return;
      auto ask = std::make_shared<Ask<RunsDomain>>();
      ask->command = runs::Sweep{runs::gone_nodes(view<runs::View>(*views->load()), kGoneAtOnce), limits};
      deciding.ask(ask, Proof::not_needed);
      deciding.submit();
    },
  };
}

}  // namespace muster::actors
