// What a reconciler does with its backend, one resource after the other.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/ports/event_bus.hpp"
#include "adapters/ports/object_storage.hpp"
#include "adapters/ports/topics.hpp"
#include "adapters/ports/vector_index.hpp"
#include "domain/environment.hpp"

namespace muster::actors {

/// One resource to make sure of.
struct Step {
  std::string kind, name;
  std::function<Result<environment::Ensured>(const environment::Ask&)> ensure;
  /// Makes no sense when the step of that name that does not follow failed: it is passed over then.
  bool follows = false;
  std::function<Millis()>
    retry_after{};  ///< How long the server wants to be left alone, when the step failed.
};

/// By kind, the name of the step to begin with; the others of that kind come behind it, in their order and
/// round to it.
using Firsts = std::map<std::string, std::string>;

/// What came of some steps.
struct Taken {
  std::vector<environment::Row> rows;
  Millis retry_after{0};  ///< How long the server asked to be left alone.
  Firsts not_asked{};     ///< Those that there was no time for: the next look begins with them.
};

/// In the order of the supervisor contract, section 11: bucket, versioning, lifecycle, tags; exchanges,
/// queues, bindings; class, properties. They hold on to the backend, and to nothing else.
[[nodiscard]] std::vector<Step> steps_of(const std::shared_ptr<ObjectStorage>& storage,
                                         const profile::Profile& profile);
[[nodiscard]] std::vector<Step> steps_of(const std::shared_ptr<Broker>& bus, const profile::Profile& profile);
[[nodiscard]] std::vector<Step> steps_of(const std::shared_ptr<VectorIndex>& index,
                                         const profile::Profile& profile);
[[nodiscard]] std::vector<Step> steps_of(const std::shared_ptr<Topics>& topics,
                                         const profile::Profile& profile);

/// After so many resources of a kind for which nobody answered, in a row, or not before kLongStep, each of
/// which may take many times that, the rest of that kind is not asked in this look.
constexpr size_t kMostSilent = 3;
constexpr Millis kLongStep{1'000};

/// How steps are taken.
struct Manner {
  const std::atomic<bool>* stopping = nullptr;  ///< Ends before the next one. Null: never.
  std::atomic<uint64_t>* progress = nullptr;    ///< Counts them. Null: nobody does.
  const Firsts* firsts = nullptr;               ///< Null: they are taken in order.
  SteadyNow clock = steady_now;
};

/// Goes through all of them: one that fails holds up nobody but those that follow it. Once a server named how
/// long it wants to be left alone, no more are asked.
[[nodiscard]] Taken take(const std::vector<Step>& steps, const environment::Ask& ask,
                         const Manner& manner = {});

/// For a prune: a step for each thing, in their order. One whose record does not read fails.
[[nodiscard]] std::vector<Step> removals_of(const std::shared_ptr<ObjectStorage>& storage,
                                            const std::vector<bootstrap::Thing>& things);
[[nodiscard]] std::vector<Step> removals_of(const std::shared_ptr<Broker>& bus,
                                            const std::vector<bootstrap::Thing>& things);

/// The steps whose rows of a dry run say that there is something to write.
[[nodiscard]] std::vector<Step> writing(const std::vector<Step>& steps,
                                        const std::vector<environment::Row>& dry);
/// What is `unkept`, by name, has failed: what was written of it, and also what was there before when all of
/// it may be lost. What is not there was not added.
[[nodiscard]] std::vector<environment::Row> settled(std::vector<environment::Row> rows,
                                                    const std::map<std::string, Unkept>& unkept);
/// What becomes of them while they are left alone because of `why`.
[[nodiscard]] std::vector<environment::Row> paused(const std::vector<Step>& steps, const std::string& why);

}  // namespace muster::actors
