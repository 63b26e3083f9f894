// Runs of jobs: accepted, started by a node when it is their turn, and how they ended.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "events/fields.hpp"

namespace muster::runs {

/// A step of a run, as it is known before it starts.
struct Step {
  std::string id, name;
  bool operator==(const Step&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("name", self.name);
  }
};

/// It is to run: at once, or when its turn comes.
struct Accepted {
  static constexpr std::string_view type = "run.accepted";
  std::string run, job, name;
  std::string source, source_ref;  ///< Where the job is from, and the pinned ref; empty: the default root.
  RawJson args;                    ///< Secrets are redacted.
  std::string profile, executor, runtime;
  std::string node;         ///< Who is to run it.
  std::vector<Step> steps;  ///< In the order in which they are listed.
  std::string group;        ///< Runs of one group do not run together; empty: of none.
  std::string policy;       ///< queue, skip or cancel_running; empty without a group.
  int64_t priority = 0;     ///< Higher ones leave the queue first.
  uint64_t timeout_s = 0;   ///< 0: none.
  std::string of;           ///< The run that it retries or resumes.
  std::string from_step;    ///< The step that it resumes at.
  RawJson provenance;

  [[nodiscard]] std::string stream() const { return "run/" + run; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("job", self.job);
    visit("name", self.name);
    visit("source", self.source);
    visit("source_ref", self.source_ref);
    visit("args", self.args);
    visit("profile", self.profile);
    visit("executor", self.executor);
    visit("runtime", self.runtime);
    visit("node", self.node);
    visit("steps", self.steps);
    visit("group", self.group);
    visit("policy", self.policy);
    visit("priority", self.priority);
    visit("timeout_s", self.timeout_s);
    visit("of", self.of);
    visit("from_step", self.from_step);
    visit("provenance", self.provenance);
  }
  bool operator==(const Accepted&) const = default;
};

/// The leader's intent: this node starts it now.
struct Dispatched {
  static constexpr std::string_view type = "run.dispatched";
  std::string run, node;

  [[nodiscard]] std::string stream() const { return "run/" + run; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("node", self.node);
  }
  bool operator==(const Dispatched&) const = default;
};

/// What a node tells of a run: when it happened there, and its number in the node's own store. A fact that
/// comes twice has the same `(source, local_seq)`.
struct Fact {
  std::string run, node;
  std::string source;      ///< Id of the store that numbered it; empty: the leader said it.
  uint64_t local_seq = 0;  ///< 0: the leader said it.
  Time at{};
  bool operator==(const Fact&) const = default;
  [[nodiscard]] std::string stream() const { return "run/" + run; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("node", self.node);
    visit("source", self.source);
    visit("local_seq", self.local_seq);
    visit("at", self.at);
  }
};

struct Started : Fact {
  static constexpr std::string_view type = "run.started";
  bool operator==(const Started&) const = default;
};

struct StepStarted : Fact {
  static constexpr std::string_view type = "step.started";
  std::string step;
  uint64_t attempt = 0;  ///< From 1.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("step", self.step);
    visit("attempt", self.attempt);
  }
  bool operator==(const StepStarted&) const = default;
};

struct StepFinished : Fact {
  static constexpr std::string_view type = "step.finished";
  std::string step;
  uint64_t attempt = 0;   ///< 0: it never started here; it was skipped, or an earlier run has completed it.
  int64_t exit_code = 0;  ///< -1: it could not start, or a signal killed it.
  std::string status;     ///< completed, failed or skipped.
  std::string error;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("step", self.step);
    visit("attempt", self.attempt);
    visit("exit_code", self.exit_code);
    visit("status", self.status);
    visit("error", self.error);
  }
  bool operator==(const StepFinished&) const = default;
};

/// It ended. The leader says so itself of a run that never started, and of one whose node is gone.
struct Finished : Fact {
  static constexpr std::string_view type = "run.finished";
  std::string status;     ///< completed, failed, canceled or lost.
  int64_t exit_code = 0;  ///< As of a step.
  std::string error;
  uint64_t bytes = 0, lines = 0;  ///< Of the output.
  std::string digest;             ///< Of the output: SHA-256, hex.
  uint64_t dropped = 0;           ///< Bytes of the output that were not kept.
  uint64_t last = 0;              ///< The last number in the node's journal of this run.
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Fact::fields(self, visit);
    visit("status", self.status);
    visit("exit_code", self.exit_code);
    visit("error", self.error);
    visit("bytes", self.bytes);
    visit("lines", self.lines);
    visit("digest", self.digest);
    visit("dropped", self.dropped);
    visit("last", self.last);
  }
  bool operator==(const Finished&) const = default;
};

/// It is not wanted any more. `run.finished` follows: at once when it never started, else when it has ended.
struct Canceled {
  static constexpr std::string_view type = "run.canceled";
  std::string run, reason;

  [[nodiscard]] std::string stream() const { return "run/" + run; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("reason", self.reason);
  }
  bool operator==(const Canceled&) const = default;
};

/// What the policy said to something that a run asks for.
struct PolicyDecided {
  static constexpr std::string_view type = "policy.decided";
  std::string run;  ///< Empty: the run was refused, or it is about a source.
  std::string job, profile, executor, runtime;
  std::string source;    ///< That was to be added; empty: it is about a run.
  std::string subject;   ///< container.network, image, ...
  std::string decision;  ///< allowed, warn or denied.
  std::string code, reason;

  [[nodiscard]] std::string stream() const { return run.empty() ? "policy" : "run/" + run; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("job", self.job);
    visit("profile", self.profile);
    visit("executor", self.executor);
    visit("runtime", self.runtime);
    visit("source", self.source);
    visit("subject", self.subject);
    visit("decision", self.decision);
    visit("code", self.code);
    visit("reason", self.reason);
  }
  bool operator==(const PolicyDecided&) const = default;
};

using Event =
  std::variant<Accepted, Dispatched, Started, StepStarted, StepFinished, Finished, Canceled, PolicyDecided>;

// What deciding and showing have to agree on.

/// How many run at once, and wait. Each is above 0.
struct Limits {
  uint64_t per_node = 16;
  uint64_t per_job = 16;
  uint64_t queued = 1'000;
  bool operator==(const Limits&) const = default;
};

/// Runs that ended and are still known; the oldest go.
constexpr size_t kMaxEnded = 10'000;

/// Texts in this order leave the queue in this order: the higher priority first, then who came first.
[[nodiscard]] std::string rank_of(int64_t priority, uint64_t order);
/// Jobs of different sources may have one id.
[[nodiscard]] std::string job_key(std::string_view source, std::string_view job);

}  // namespace muster::runs
