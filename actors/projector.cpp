// The folding among actors.
#include "actors/projector.hpp"

#include "actors/loud.hpp"

namespace muster::actors {

Projector::behavior_type projector(Self<Projector, ProjectorState> self, FoldingDeps deps) {
  end_loudly(self, "projector");
  self->state.folding.emplace(std::move(deps));
  return {
    [self](const CommittedPtr& committed) { self->state.folding->take(committed); },
    [self](const std::shared_ptr<const ShowWorld>& show) { (*show)(self->state.folding->world()); },
    [self](lead_atom, uint64_t generation) { self->state.folding->lead(generation); },
    [self](lead_atom, uint64_t domain, const std::shared_ptr<Lead>& lead) {
      self->state.folding->restart(domain, lead);
    },
    [self](const FoldingTaskPtr& task) { (*task)(*self->state.folding); },
    [self](unlead_atom) { self->state.folding->unlead(); },
  };
}

}  // namespace muster::actors
