// Folds what was committed and publishes it: the only writer of the views.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "actors/interfaces.hpp"

namespace muster::actors {

/// The published views: one atomic pointer that every reader loads.
class Published {
public:
  [[nodiscard]] std::shared_ptr<const ViewSet> load() const { return views_.load(); }
  void store(std::shared_ptr<const ViewSet> views) { views_.store(std::move(views)); }

private:
  std::atomic<std::shared_ptr<const ViewSet>> views_;
};

/// Hands a Lead to one domain's actor, or tells it that leadership ended.
using ToDomain = std::function<void(const LeadPtr&)>;

struct ProjectorDeps {
  World start;
  std::shared_ptr<Published> published;
  std::vector<ToDomain> domains;  ///< In the order of States; the first is the cluster's.
  std::string node;               ///< Domains other than the first start when this member's start is folded.
  std::function<void()> begun;    ///< All domains were told to begin: commands are decided from now on.
  Checkpointer checkpointer;
  uint64_t checkpoint_every = 12'000;                 ///< Events between checkpoints, at least.
  std::function<void(const CommittedPtr&)> on_lines;  ///< After the views are published: tails, the bus.
};

struct ProjectorState {
  ProjectorState() = default;
  World world;
  uint64_t waiting_generation = 0;  // Of the domains that wait for this member's start; 0: none wait.
  uint64_t bytes_since_checkpoint = 0, last_checkpoint = 0, last_checkpoint_bytes = 0;
};

Projector::behavior_type projector(Self<Projector, ProjectorState> self, ProjectorDeps deps);

}  // namespace muster::actors
