// The actor of one component of a node's environment: looks when it is told, when the interval is over, and
// after a pause when nobody answered.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/reconciling.hpp"
#include "domain/environment.hpp"

namespace muster::actors {

/// What is to be made.
struct Desired {
  profile::Profile profile;
  std::string generation;
  environment::Pauses pauses{};
};
using DesiredPtr = std::shared_ptr<const Desired>;

struct Round {
  DesiredPtr desired{};  ///< Null: what was desired before.
  bool dry_run = false;
  std::optional<environment::Component> only{};
  /// A prune of these, in place of a look; of what the profile names nothing is removed.
  std::shared_ptr<const environment::Removals> removals{};
  std::vector<environment::Report> reports{};  ///< Of those that have looked.
  std::function<void(std::vector<environment::Report>)> then{};
};

struct ReconcilerDeps {
  environment::Component component = environment::Component::storage;
  std::string node, backend;
  std::function<std::vector<Step>(const profile::Profile&)> steps;
  std::function<std::vector<Step>(const std::vector<bootstrap::Thing>&)> removals{};  ///< Null: none.
  /// What is to be kept from now on, also by the backend itself; nothing while it is left alone. Null: it
  /// does nothing by itself.
  std::function<void(const profile::Profile&)> expects{};
  environment::Pace pace;
  bool observe = false;  ///< Tells what it would do, and does nothing; the profile may say that, too.
  std::function<Time()> now;
  std::function<double()> chance;  ///< From 0 to 1.
  /// Before anything is written; nothing is when it fails. Null: not asked.
  std::function<Status(const environment::Intent&)> intends{};
  /// After all was written: it survives a loss of power. Null: it does as it is written, or as it is told.
  std::function<Status()> settle{};
  std::function<void(environment::Report)> told;  ///< After each look that was no dry run.
  std::function<void(RoundPtr)> next;             ///< Whom rounds are handed on to; the last has nobody.
  /// From now on looks end early, and nothing is told. Null: never.
  std::shared_ptr<const std::atomic<bool>> stopping{};
  bool optional = false;  ///< While nothing is desired of it, it does not look.
  bool begins = false;    ///< It begins the rounds of the interval.
};

struct ReconcilerState {
  ReconcilerState() = default;
  DesiredPtr desired;
  std::vector<Step> steps;
  std::string key;
  unsigned failed = 0;         // Looks in a row that somebody did not answer.
  uint64_t planned = 0;        // The number of the last look that was planned.
  Time alone_until{};          // A server asked to be left alone until then.
  std::weak_ptr<Round> begun;  // The last round of the interval, while somebody has it.
};

Reconciler::behavior_type reconciler(Self<Reconciler, ReconcilerState> self, ReconcilerDeps deps);

}  // namespace muster::actors
