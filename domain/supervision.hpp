// Services of one node: from what is desired and what was seen to what is done next. Pure: time, starts and
// exits come as inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "domain/plan.hpp"
#include "events/services.hpp"

namespace muster::supervision {

/// Since some start of the clock; only differences count.
using Tick = Millis;

struct Limits {
  Millis grace{10'000};  ///< Between the request to stop and the kill.
  Millis first_backoff{1'000}, longest_backoff{60'000};
  size_t crash_exits = 5;           ///< Exits within the window that make a crash loop.
  Millis crash_window{600'000};     ///< 10 min.
  Millis crash_rest{300'000};       ///< From one try to the next in a crash loop.
  Millis least_health{30'000};      ///< A health probe has at least this long (contract, section 6).
  Millis longest_prepare{900'000};  ///< For what comes before a service runs: a build, an image.
};

enum class Phase : uint8_t {
  waiting,     ///< To be started once its turn comes.
  starting,    ///< The executor was told; it does not run yet.
  settling,    ///< Runs; its health is awaited.
  running,     ///< Runs, and was healthy.
  stopping,    ///< Was asked to stop, or killed; still there.
  resting,     ///< Ended; started again later.
  crash_loop,  ///< Ended too often; tried again from time to time.
  done,        ///< Ended, and its restart policy leaves it at that.
  failed,      ///< Ended badly, and its restart policy leaves it at that.
};
[[nodiscard]] std::string_view to_string(Phase phase);

/// SHA-256 of an app's canonical JSON: what has to be the same for an instance to be left alone. Its place in
/// the order does not count.
[[nodiscard]] std::string hash_of(const plan::App& app);

struct Service {
  plan::App app;       ///< As desired; of one that was removed, as it ran.
  std::string hash;    ///< Of `app`.
  bool wanted = true;  ///< False: removed, and on its way out.
  Phase phase = Phase::waiting;
  std::string run;                     ///< The instance that is there; empty: none.
  std::string ended_run;               ///< The one before it, of what is done or failed.
  std::string run_hash;                ///< What it was started as.
  std::vector<std::string> run_after;  ///< What it was started after.
  std::string executor;                ///< As its start was told,
  uint64_t pid = 0;                    ///< and this, too.
  std::string cluster;                 ///< Whose log is told of it; empty: not known.
  bool applied = false;    ///< Was up once as it is desired: it no longer holds others up, nor they it.
  std::string reason;      ///< Why it is stopped.
  bool killed = false;     ///< Since it was asked to stop.
  bool unhealthy = false;  ///< It is stopped because its health timed out.
  Tick due{};              ///< When the phase ends by itself.
  std::vector<Tick> ends;  ///< Unplanned ones within the crash window.
  [[nodiscard]] bool live() const { return !run.empty(); }
};

struct State {
  std::string generation;         ///< Of the plan; empty: none yet.
  std::string cluster;            ///< Whose plan it is, as far as it is known.
  std::vector<Service> services;  ///< In start order; removed ones stay in their old place.
  std::string life;               ///< Of the node: what tells its runs from those of its earlier lives.
  uint64_t runs = 0;              ///< How many it started.
  bool told = false;              ///< That everything is as planned.
};

// Inputs.

/// The plan: its apps in start order. What another cluster's log was told of is told again: this one's knows
/// nothing of it.
struct Plan {
  std::string generation;
  std::vector<plan::App> apps;
  std::string cluster{};  ///< Empty: a control plane that does not say.
};
/// What an earlier life of the node left: an instance that still runs, or one that its policy left ended.
/// Before the first plan.
struct Found {
  enum class Was : uint8_t { starting, up, healthy, done, failed };
  plan::App app;
  std::string run;  ///< Of what ended, too.
  Was was = Was::up;
  std::string executor{};
  uint64_t pid = 0;
  std::string cluster{};  ///< As in Service.
};
/// The executor made it: it runs.
struct Up {
  std::string name, run, executor;
  uint64_t pid = 0;
};
/// It could not be started.
struct NotStarted {
  std::string name, run, why;
};
struct Healthy {
  std::string name, run;
};
/// It is not there any more.
struct Ended {
  std::string name, run;
  bool known = false;
  uint64_t code = 0, signal = 0;
};
/// Time passed.
struct Clock {};
using Input = std::variant<Plan, Found, Up, NotStarted, Healthy, Ended, Clock>;

// Actions, to be done in their order.

struct Start {
  std::string name, run;
};
/// Ask it to end.
struct Stop {
  std::string name, run;
};
struct Kill {
  std::string name, run;
};
/// Ask its health until it answers; Healthy tells.
struct Probe {
  std::string name, run;
};
/// A fact for the log; node, number and time are filled in by who keeps it.
struct Note {
  services::Event fact;
};
using Action = std::variant<Start, Stop, Kill, Probe, Note>;

/// The actions that follow; `state` moves on. What does not fit (an old run, an unknown name) changes
/// nothing.
[[nodiscard]] std::vector<Action> step(State& state, const Input& input, Tick now, const Limits& limits);

/// When Clock is due at the latest; nothing: not before another input.
[[nodiscard]] std::optional<Tick> next_due(const State& state);

/// Names of those that run, in start order.
[[nodiscard]] std::vector<std::string> running(const State& state);

}  // namespace muster::supervision
