// Deciding about runs.
#include "domain/runs.hpp"

#include <algorithm>

#include "domain/run_checks.hpp"

namespace muster::runs {
namespace {

using Decided = Result<Decision<Event>>;

/// What Submit and Cancel answer with.
struct Said {
  std::string id, status, reason;
  std::optional<bool> dispatched, changed;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("status", self.status);
    visit("reason", self.reason);
    visit("dispatched", self.dispatched);
    visit("changed", self.changed);
  }
};
struct Refused {
  struct Why {
    std::string code, detail;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("code", self.code);
      visit("detail", self.detail);
    }
  };
  std::optional<Why> refused;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("refused", self.refused);
  }
};

uint64_t count_of(const PagedMap<std::string, Count>& counts, const std::string& key) {
  const auto* row = counts.find(key);
  return row ? row->count : 0;
}

/// Events one by one, each decided on what those before it made of the state.
struct Draft {
  State state;
  Time now;
  Decision<Event> decision{};

  void add(Event event) {
    state = muster::evolve(std::move(state), event);
    decision.events.push_back(std::move(event));
  }

  /// The run ends without its node's word.
  void end(const std::string& run, const char* status, std::string error) {
    Finished event;
    event.run = run;
    event.node = (*state.active.find(run))->node;
    event.at = now;
    event.status = status;
    event.exit_code = -1;
    event.error = std::move(error);
    add(std::move(event));
  }

  /// A queued run ends at once; of a running one its node says so later.
  void cancel(const std::string& run, const std::string& reason) {
    add(Canceled{run, reason});
    if (!(*state.active.find(run))->dispatched) end(run, "canceled", "");
  }

  /// Starts whatever may start. One that may not holds up nobody else.
  void dispatch(const Limits& limits) {
    size_t started = 0;
    const auto queue = state.queue;
    queue.each_from(std::string{}, [&](const std::string&, const Queued& row) {
      if (!may_start(state, row, limits)) return true;
      add(Dispatched{row.run, row.node});
      return ++started < kDispatchAtOnce;
    });
  }
};

bool waits_in_group(const State& state, const std::string& group) {
  bool found = false;
  state.queue.each_from(std::string{}, [&](const std::string&, const Queued& row) {
    found = row.group == group;
    return !found;
  });
  return found;
}

/// Refuses what an earlier run, or its absence, speaks against.
Status check_against(const State& state, const Accepted& run) {
  if (state.active.contains(run.run) || state.ended.contains(run.run))
    return Error{"name.taken", "there is a run " + run.run + " already", {}};
  if (run.of.empty()) return Done{};
  if (state.active.contains(run.of)) return Error{"conflict", "run " + run.of + " has not ended yet", {}};
  const auto* before = state.ended.find(run.of);
  if (!before) return Error{"not.found", "there is no run " + run.of + ", or it ended too long ago", {}};
  if (before->job != run.job || before->source != run.source)
    return Error{"field.invalid", "run " + run.of + " is of another job", {{"/of", "is of another job"}}};
  return Done{};
}

void record_policies(Draft& draft, const Submit& command, const std::string& run) {
  for (auto one : command.policies) {
    one.run = run;
    one.job = command.run.job;
    one.profile = command.run.profile;
    one.executor = command.run.executor;
    one.runtime = command.run.runtime;
    draft.add(std::move(one));
  }
}

Decided deny(Draft draft, const Submit& command, const PolicyDecided& denied) {
  record_policies(draft, command, "");
  draft.decision.result = to_json_text(Refused{
    Refused::Why{denied.code, denied.reason.empty() ? denied.subject + " is denied" : denied.reason}});
  return std::move(draft.decision);
}

Decided submit(const State& state, const Submit& command, Time now) {
  if (auto status = check(command); !status) return status.error();
  if (auto status = check_against(state, command.run); !status) return status.error();
  const auto denied = std::find_if(command.policies.begin(), command.policies.end(),
                                   [](const auto& one) { return one.decision == "denied"; });
  Draft draft{state, now};
  if (denied != command.policies.end()) return deny(std::move(draft), command, *denied);

  const auto& run = command.run;
  const auto* holder = run.group.empty() ? nullptr : state.group.find(run.group);
  draft.add(run);
  record_policies(draft, command, run.run);
  if (run.policy == "skip" && (holder || waits_in_group(state, run.group))) {
    const auto reason = "skipped: the group " + run.group + " has a run already";
    draft.cancel(run.run, reason);
    draft.decision.result = to_json_text(Said{run.run, "canceled", reason, false, std::nullopt});
    return std::move(draft.decision);
  }
  if (run.policy == "cancel_running" && holder && !(*state.active.find(holder->run))->canceled)
    draft.cancel(holder->run, "canceled for run " + run.run + " of the same group");
  draft.dispatch(command.limits);
  const bool dispatched = (*draft.state.active.find(run.run))->dispatched;
  if (!dispatched && draft.state.queue.size() > command.limits.queued)
    return Error{"rate.limited",
                 "there are " + std::to_string(command.limits.queued) +
                   " runs that wait already (limit max-queued-runs)",
                 {}};
  draft.decision.result = to_json_text(Said{run.run, "queued", "", dispatched, std::nullopt});
  return std::move(draft.decision);
}

/// Whether a fact changes anything: its run was started on that node and has not ended, and its step is one
/// that may be told so of.
struct News {
  const Run& run;

  bool operator()(const Started&) const { return !run.started; }
  bool operator()(const StepStarted& e) const {
    const auto* step = step_of(e.step);
    return step && e.attempt > step->attempt;
  }
  bool operator()(const StepFinished& e) const {
    const auto* step = step_of(e.step);
    return step && (e.attempt > step->attempt || (e.attempt == step->attempt && !step->ended));
  }
  bool operator()(const Finished&) const { return true; }

private:
  [[nodiscard]] const Run::Step* step_of(const std::string& id) const {
    const auto at =
      std::find_if(run.steps.begin(), run.steps.end(), [&](const auto& step) { return step.id == id; });
    return at == run.steps.end() ? nullptr : &*at;
  }
};

Decided report(const State& state, const Report& command, Time now) {
  if (auto status = check(command); !status) return status.error();
  const auto* known = state.nodes.find(command.node);
  uint64_t taken = known && known->source == command.source ? known->last : 0;
  Draft draft{state, now};
  for (auto told : command.facts) {
    auto& fact = match(told)([](auto& e) -> Fact& { return e; });
    if (fact.local_seq <= taken) continue;
    taken = fact.local_seq;
    const auto* run = draft.state.active.find(fact.run);
    if (!run || !(*run)->dispatched || (*run)->node != command.node || !std::visit(News{**run}, told))
      continue;
    fact.node = command.node;
    fact.source = command.source;
    auto* last = std::get_if<Finished>(&told);
    const bool ended = last != nullptr;
    if (ended && (*run)->canceled) last->status = "canceled";
    match(told)([&](auto& e) { draft.add(std::move(e)); });
    // At once: what is told of one that starts now counts, and counts once when it is told again.
    if (ended) draft.dispatch(command.limits);
  }
  draft.decision.result = "{\"taken_to\":" + std::to_string(taken) + "}";
  return std::move(draft.decision);
}

Decided cancel(const State& state, const Cancel& command, Time now) {
  if (auto status = check(command); !status) return status.error();
  if (const auto* ended = state.ended.find(command.run))
    return Decision<Event>{{}, to_json_text(Said{command.run, ended->status, "", std::nullopt, false})};
  const auto* run = state.active.find(command.run);
  if (!run) return Error{"not.found", "there is no run " + command.run, {}};
  const auto said = [&](bool changed) {
    return to_json_text(Said{command.run, "canceled", "", std::nullopt, changed});
  };
  if ((*run)->canceled) return Decision<Event>{{}, said(false)};
  Draft draft{state, now};
  draft.cancel(command.run, command.reason);
  draft.decision.result = said(true);
  return std::move(draft.decision);
}

Decided sweep(const State& state, const Sweep& command, Time now) {
  Draft draft{state, now};
  std::vector<std::string> lost;
  if (!command.gone.empty())
    state.active.each_from(std::string{}, [&](const std::string& id, const Shared<Run>& run) {
      if (std::find(command.gone.begin(), command.gone.end(), run->node) != command.gone.end())
        lost.push_back(id);
      return lost.size() < kEndAtOnce;
    });
  for (const auto& id : lost) {
    const auto run = *state.active.find(id);
    const auto why = "node " + run->node + " was taken off the list";
    if (!run->dispatched)
      draft.cancel(id, why);
    else
      draft.end(id, run->canceled ? "canceled" : "lost", why);
  }
  draft.dispatch(command.limits);
  return std::move(draft.decision);
}

Decided judge(const Judge& command) {
  if (auto status = check(command); !status) return status.error();
  return Decision<Event>{{command.policies.begin(), command.policies.end()}};
}

State heard(State state, const Fact& fact) {
  if (fact.local_seq == 0) return state;
  auto& row = state.nodes[fact.node];
  row.source = fact.source;
  row.last = fact.local_seq;
  return state;
}

void count_down(PagedMap<std::string, Count>& counts, const std::string& key) {
  auto* row = counts.edit(key);
  if (row && --row->count == 0) counts.erase(key);
}

/// The step of a run that has not ended, to write to; nothing when there is none.
Run::Step* step_to_edit(State& state, const std::string& run, const std::string& step) {
  auto* row = state.active.edit(run);
  if (!row) return nullptr;
  auto& steps = row->edit().steps;
  const auto at = std::find_if(steps.begin(), steps.end(), [&](const auto& one) { return one.id == step; });
  return at == steps.end() ? nullptr : &*at;
}

}  // namespace

bool may_start(const State& state, const Queued& row, const Limits& limits) {
  return count_of(state.on_node, row.node) < limits.per_node &&
         count_of(state.of_job, row.job) < limits.per_job &&
         (row.group.empty() || !state.group.contains(row.group));
}

Result<Decision<Event>> decide(const State& state, const Command& command, Time now) {
  return match(command)([&](const Submit& c) { return submit(state, c, now); },
                        [&](const Report& c) { return report(state, c, now); },
                        [&](const Cancel& c) { return cancel(state, c, now); },
                        [&](const Sweep& c) { return sweep(state, c, now); },
                        [&](const Judge& c) { return judge(c); });
}

std::optional<Error> refusal_of(const std::string& result) {
  const auto read = from_json_text<Refused>(result);
  if (!read || !read->refused) return std::nullopt;
  return Error{read->refused->code, read->refused->detail, {}};
}

State evolve(State state, const Accepted& event) {
  if (state.active.contains(event.run) || state.ended.contains(event.run)) return state;
  const auto order = ++state.counters.accepted;
  Run run{event.job, event.source, event.node, event.group, event.priority, order, false, false, false, {}};
  for (const auto& step : event.steps) run.steps.push_back({step.id, 0, false});
  state.active[event.run] = std::move(run);
  state.queue[rank_of(event.priority, order)] = {event.run, event.node, job_key(event.source, event.job),
                                                 event.group};
  return state;
}

State evolve(State state, const Dispatched& event) {
  auto* row = state.active.edit(event.run);
  if (!row || (*row)->dispatched) return state;
  auto& run = row->edit();
  run.dispatched = true;
  state.queue.erase(rank_of(run.priority, run.order));
  state.on_node[run.node].count++;
  state.of_job[job_key(run.source, run.job)].count++;
  if (!run.group.empty()) state.group[run.group] = {event.run};
  return state;
}

State evolve(State state, const Started& event) {
  if (auto* row = state.active.edit(event.run)) row->edit().started = true;
  return heard(std::move(state), event);
}

State evolve(State state, const StepStarted& event) {
  if (auto* step = step_to_edit(state, event.run, event.step)) {
    step->attempt = event.attempt;
    step->ended = false;
  }
  return heard(std::move(state), event);
}

State evolve(State state, const StepFinished& event) {
  if (auto* step = step_to_edit(state, event.run, event.step)) {
    step->attempt = event.attempt;
    step->ended = true;
  }
  return heard(std::move(state), event);
}

State evolve(State state, const Finished& event) {
  if (const auto* row = state.active.find(event.run)) {
    const auto run = *row;
    if (run->dispatched) {
      count_down(state.on_node, run->node);
      count_down(state.of_job, job_key(run->source, run->job));
      const auto* holder = run->group.empty() ? nullptr : state.group.find(run->group);
      if (holder && holder->run == event.run) state.group.erase(run->group);
    } else {
      state.queue.erase(rank_of(run->priority, run->order));
    }
    state.ended[event.run] = {run->job, run->source, run->canceled ? "canceled" : event.status};
    state.ended_order[++state.counters.ended] = {event.run};
    state.active.erase(event.run);
    for (; state.ended_order.size() > kMaxEnded; state.ended_order.erase_first())
      state.ended.erase(state.ended_order.first()->second.run);
  }
  return heard(std::move(state), event);
}

State evolve(State state, const Canceled& event) {
  if (auto* row = state.active.edit(event.run)) row->edit().canceled = true;
  return state;
}

State evolve(State state, const PolicyDecided&) {
  return state;
}

State evolve(State state, const nodes::Forgotten& event) {
  state.nodes.erase(event.node);
  return state;
}

}  // namespace muster::runs
