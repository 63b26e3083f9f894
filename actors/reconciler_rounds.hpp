// The actor that says which component of a node's environment looks when: when it is told, when the interval
// is over, and after a pause when nobody answered.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/reconciler.hpp"
#include "domain/environment.hpp"

namespace muster::actors {

struct Round {
  DesiredPtr desired{};  ///< Null: what was desired before.
  bool dry_run = false;
  std::optional<environment::Component> only{};
  /// A prune of these, in place of a look.
  std::shared_ptr<const environment::Removals> removals{};
  /// Gets the reports, in order, once all have looked, or another profile has taken the place of this one.
  /// Null: nobody waits for it.
  std::function<void(std::vector<environment::Report>)> then{};
};

/// From one component to the next in their order, each when the one before has looked. One that is slow is
/// not waited for: it looks while the others do.
struct RoundsDeps {
  struct Part {
    environment::Component component;
    Reconciler reconciler;
    std::shared_ptr<const std::atomic<uint64_t>> progress;  ///< As ReconcilerDeps.
  };
  std::vector<Part> parts;  ///< In their order.
  environment::Pace pace;
  std::function<Time()> now;
  std::function<double()> chance;  ///< From 0 to 1.
};

/// For so long nothing has to come from a component before it counts as slow.
constexpr Millis kPatience{1'000};
/// For so long a round of the interval waits for each component: the others' drift is mended in time,
/// whatever one of them is busy with.
constexpr Millis kShortPatience{300};

struct RoundsState {
  RoundsState() = default;

  /// A round on its way.
  struct Passage {
    RoundPtr round;
    size_t next = 0;    // The part that comes next.
    uint64_t hold = 0;  // Not 0: it goes on when the part before that has looked.
    size_t open = 0;    // Parts that have not looked yet.
    bool over = false;  // It does not go on.
    std::map<size_t, environment::Report> reports{};  // By part.
  };

  struct Part {
    std::deque<uint64_t> waiting;       // Passages.
    std::optional<uint64_t> under_way;  // The one that it looks for.
    bool slow = false;                  // It is not waited for.
    unsigned failed = 0;                // Looks in a row that somebody did not answer.
    uint64_t planned = 0;               // The number of the last look that was planned.
    Time alone_until{};                 // Its server asked to be left alone until then.
  };

  DesiredPtr desired;
  std::vector<Part> parts;
  std::map<uint64_t, Passage> passages;  // By number.
  uint64_t begun = 0, holds = 0;
};

Rounds::behavior_type rounds(Self<Rounds, RoundsState> self, RoundsDeps deps);

}  // namespace muster::actors
