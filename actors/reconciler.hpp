// The actor of one component of a node's environment: looks when it is told to.
#pragma once

#include <functional>
#include <map>
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

struct Look {
  DesiredPtr desired;  ///< Never null.
  bool dry_run = false;
  uint64_t attempt = 1;
  /// A prune of these, in place of a look; of what the profile names nothing is removed.
  std::shared_ptr<const environment::Removals> removals{};
};

struct Looked {
  std::optional<environment::Report> report{};  ///< None: nothing is desired of it.
  Millis retry_after{0};                        ///< How long the server wants to be left alone.
};

struct ReconcilerDeps {
  environment::Component component = environment::Component::storage;
  std::string node, backend, endpoint{};  ///< As of Report.
  std::function<std::vector<Step>(const profile::Profile&)> steps;
  std::function<std::vector<Step>(const std::vector<bootstrap::Thing>&)> removals{};  ///< Null: none.
  /// What is to be kept from now on, also by the backend itself; nothing while it is left alone. Null: it
  /// does nothing by itself.
  std::function<void(const profile::Profile&)> expects{};
  bool observe = false;  ///< Tells what it would do, and does nothing; the profile may say that, too.
  std::function<Time()> now;
  /// Before anything is written, with the look that says what will be; nothing is when it fails. Null: not
  /// asked.
  std::function<Status(const environment::Report&)> intends{};
  /// Ends each look that may write; as ObjectStorage::settle(), by the names of resources. Null: what is
  /// told is kept.
  std::function<std::map<std::string, Unkept>()> settle{};
  std::function<void(environment::Report)> told;  ///< After each look that was no dry run.
  /// From now on looks end early, and nothing is told. Null: never.
  std::shared_ptr<const std::atomic<bool>> stopping{};
  /// Counts the steps that it took, for who wants to know whether it waits for somebody. Null: it does not.
  std::shared_ptr<std::atomic<uint64_t>> progress{};
  bool optional = false;  ///< While nothing is desired of it, it does not look.
};

struct ReconcilerState {
  ReconcilerState() = default;
  DesiredPtr desired;
  std::vector<Step> steps;
  std::string key;
  Firsts firsts;  // What earlier looks had no time for.
};

Reconciler::behavior_type reconciler(Self<Reconciler, ReconcilerState> self, ReconcilerDeps deps);

}  // namespace muster::actors
