// The projector's actor: the folding among actors.
#pragma once

#include <memory>
#include <optional>

#include "actors/folding.hpp"
#include "actors/interfaces.hpp"

namespace muster::actors {

struct ProjectorState {
  ProjectorState() = default;
  std::optional<Folding> folding;
};

Projector::behavior_type projector(Self<Projector, ProjectorState> self, FoldingDeps deps);

}  // namespace muster::actors
