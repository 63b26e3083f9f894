// The actor of runs: decides about them, and once a second looks for those whose node is gone.
#pragma once

#include "actors/aggregate.hpp"
#include "actors/projector.hpp"

namespace muster::actors {

struct RunsDeps {
  AggregateDeps aggregate;
  std::shared_ptr<Published> views;
  runs::Limits limits;
};

Aggregate<RunsDomain>::behavior_type runs_actor(Self<Aggregate<RunsDomain>, AggregateState<RunsDomain>> self,
                                                RunsDeps deps);

}  // namespace muster::actors
