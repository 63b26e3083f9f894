// Runs of jobs: who may run now, who waits, and what their nodes tell of them, each fact once.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/paged_map.hpp"
#include "domain/decision.hpp"
#include "domain/run_limits.hpp"
#include "events/nodes.hpp"
#include "events/runs.hpp"
#include "events/shared.hpp"

namespace muster::runs {

/// The level from which logs may hold runs and sources (docs/upgrade.md).
constexpr uint64_t kRunsLevel = 4;

/// A run is asked for. Its id is made outside. `policies` is what was decided about what it asks for, with
/// their run and job still empty: one that is denied refuses the run.
struct Submit {
  Accepted run;
  std::vector<PolicyDecided> policies;
  Limits limits{};
};
/// A node tells of its runs, in the order of its numbers.
using Told = std::variant<Started, StepStarted, StepFinished, Finished>;
struct Report {
  std::string node;
  std::string source;
  std::vector<Told> facts;
  Limits limits{};
};
struct Cancel {
  std::string run;
  std::string reason = "canceled by request";
  Limits limits{};
};
/// Time passed: ends the runs of nodes that were taken off the list, and starts what may start since the
/// limits changed.
struct Sweep {
  std::vector<std::string> gone;
  Limits limits{};
};
/// What the policy said to something that is no run: a source that was to be added.
struct Judge {
  std::vector<PolicyDecided> policies;
};
using Command = std::variant<Submit, Report, Cancel, Sweep, Judge>;

/// A run that has not ended.
struct Run {
  std::string job, source, node, group;
  int64_t priority = 0;
  uint64_t order = 0;  ///< Of its acceptance.
  bool dispatched = false, started = false, canceled = false;
  struct Step {
    std::string id;
    uint64_t attempt = 0;  ///< The last one that started.
    bool ended = false;    ///< That one did.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("id", self.id);
      visit("attempt", self.attempt);
      visit("ended", self.ended);
    }
  };
  std::vector<Step> steps;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("job", self.job);
    visit("source", self.source);
    visit("node", self.node);
    visit("group", self.group);
    visit("priority", self.priority);
    visit("order", self.order);
    visit("dispatched", self.dispatched);
    visit("started", self.started);
    visit("canceled", self.canceled);
    visit("steps", self.steps);
  }
};

/// What may start looks at: a row of the queue.
struct Queued {
  std::string run, node, job, group;  ///< `job` as job_key has it.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("node", self.node);
    visit("job", self.job);
    visit("group", self.group);
  }
};
struct Ended {
  std::string job, source, status;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("job", self.job);
    visit("source", self.source);
    visit("status", self.status);
  }
};
struct Heard {
  std::string source;
  uint64_t last = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("source", self.source);
    visit("last", self.last);
  }
};
struct Count {
  uint64_t count = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("count", self.count);
  }
};
struct RunId {
  std::string run;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
  }
};
struct Counters {
  uint64_t accepted = 0, ended = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("accepted", self.accepted);
    visit("ended", self.ended);
  }
};

struct State {
  PagedMap<std::string, Shared<Run>> active;  ///< By run id.
  PagedMap<std::string, Queued> queue;        ///< Not dispatched; by rank_of.
  PagedMap<std::string, Count> on_node;       ///< Dispatched runs that have not ended, by node
  PagedMap<std::string, Count> of_job;        ///< and by job_key;
  PagedMap<std::string, RunId> group;         ///< and the one of each group.
  PagedMap<std::string, Ended> ended;         ///< The last kMaxEnded.
  PagedMap<uint64_t, RunId> ended_order;
  PagedMap<std::string, Heard> nodes;  ///< How far each node's facts are recorded.
  Counters counters;
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("active", self.active);
    visit("queue", self.queue);
    visit("on_node", self.on_node);
    visit("of_job", self.of_job);
    visit("group", self.group);
    visit("ended", self.ended);
    visit("ended_order", self.ended_order);
    visit("nodes", self.nodes);
    visit("counters", self.counters);
  }
};

constexpr size_t kMaxRunId = 128;          ///< Characters of a run's id: letters, digits and . _ -
constexpr size_t kMaxReason = 1024;        ///< Bytes of a reason or an error.
constexpr size_t kMaxFacts = 100;          ///< Facts of one report.
constexpr size_t kMaxSource = 64;          ///< Bytes of a source's id.
constexpr uint64_t kMaxAttempts = 10'000;  ///< Of a step.
constexpr size_t kEndAtOnce = 128;         ///< Runs of gone nodes that one sweep ends.
constexpr size_t kDispatchAtOnce = 256;    ///< Runs that one decision starts; a sweep starts the others.

/// True when nothing but its turn keeps this one from starting.
[[nodiscard]] bool may_start(const State& state, const Queued& row, const Limits& limits);

/// Results.
/// Submit: {"id":"...","status":"queued"|"canceled","dispatched":bool}, and "reason" when it was canceled at
/// once; when the policy denied it, what refusal_of() reads.
/// Report: {"taken_to":N}, the number of the last fact that is recorded or needs not be.
/// Cancel: {"id":"...","status":"...","changed":bool}. Sweep, Judge: {}.
/// Errors: `field.invalid`; of Submit also `name.taken` (the id), `not.found` and `conflict` (what `of`
/// names), `rate.limited` (the queue is full); of Cancel `not.found`.
Result<Decision<Event>> decide(const State& state, const Command& command, Time now);

/// Why the policy refused what was submitted; nothing when it did not. The refusal is on record.
[[nodiscard]] std::optional<Error> refusal_of(const std::string& result);

State evolve(State state, const Accepted& event);
State evolve(State state, const Dispatched& event);
State evolve(State state, const Started& event);
State evolve(State state, const StepStarted& event);
State evolve(State state, const StepFinished& event);
State evolve(State state, const Finished& event);
State evolve(State state, const Canceled& event);
State evolve(State state, const PolicyDecided& event);
/// A node that registers again may begin anew. Its runs are ended by a sweep.
State evolve(State state, const nodes::Forgotten& event);

}  // namespace muster::runs
