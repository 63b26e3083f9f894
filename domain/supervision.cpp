// The rules of supervising services.
#include "domain/supervision.hpp"

#include <algorithm>
#include <array>

#include "base/hash.hpp"

namespace muster::supervision {
namespace {

using Actions = std::vector<Action>;

/// One step: the state it moves, and what follows.
struct Stepping {
  State& state;
  Tick now;
  const Limits& limits;
  Actions actions{};

  Service* find(const std::string& name, const std::string& run) {
    for (auto& service : state.services)
      if (service.app.name == name && service.run == run && service.live()) return &service;
    return nullptr;
  }

  template <class Fact>
  void note(const Service& service, Fact fact) {
    fact.name = service.app.name;
    actions.push_back(Note{std::move(fact)});
  }

  void plan(const Plan& plan);
  void found(const Found& found);
  void up(const Up& up);
  void not_started(const NotStarted& failed);
  void healthy(const Healthy& healthy);
  void ended(const Ended& ended);
  void advance();

  void tell_started(Service& service);
  void tell_again(Service& service);
  void settle(Service& service);
  void gone(Service& service);
  void end_badly_or_again(Service& service, bool badly);
  void pass_time(Service& service);
  void stop(Service& service);
  void stop_what_must_go();
  void start_next();
  void tell_when_applied();
};

bool must_go(const Service& service) {
  return service.live() && (!service.wanted || service.run_hash != service.hash || service.unhealthy);
}

bool is_up(const Service& service) {
  return service.phase == Phase::running || service.phase == Phase::done;
}

void Stepping::plan(const Plan& plan) {
  const auto& cluster = plan.cluster.empty() ? state.cluster : plan.cluster;
  if (plan.generation != state.generation || cluster != state.cluster) state.told = false;
  state.generation = plan.generation;
  state.cluster = cluster;
  std::vector<Service> next;
  for (const auto& app : plan.apps) {
    Service service;
    const auto old = std::find_if(state.services.begin(), state.services.end(),
                                  [&](const Service& s) { return s.app.name == app.name; });
    if (old != state.services.end()) {
      service = std::move(*old);
      state.services.erase(old);
    }
    const auto hash = hash_of(app);
    if (service.hash != hash || !service.wanted) {  // Another app: what its predecessor did does not count.
      service.applied = false;
      service.ends.clear();
      if (!service.live()) service.phase = Phase::waiting;
    }
    service.app = app;
    service.hash = hash;
    service.wanted = true;
    next.push_back(std::move(service));
  }
  for (auto& removed : state.services) {
    if (!removed.live()) continue;
    removed.wanted = false;
    next.push_back(std::move(removed));
  }
  state.services = std::move(next);
  for (auto& service : state.services) tell_again(service);
}

void Stepping::tell_again(Service& service) {
  if (state.cluster.empty() || service.cluster == state.cluster) return;
  if (std::exchange(service.cluster, state.cluster).empty()) return;
  if (service.phase == Phase::settling || service.phase == Phase::running) tell_started(service);
  if (service.phase == Phase::running) {
    services::Healthy fact;
    fact.run = service.run;
    note(service, fact);
  }
  if ((service.phase != Phase::done && service.phase != Phase::failed) || service.ended_run.empty()) return;
  services::Exited fact;
  fact.run = service.ended_run;
  fact.done = service.phase == Phase::done;
  note(service, fact);
}

void Stepping::found(const Found& found) {
  Service service;
  service.app = found.app;
  service.hash = service.run_hash = hash_of(found.app);
  service.run = found.run;
  service.run_after = found.app.after;
  service.executor = found.executor;
  service.pid = found.pid;
  service.cluster = found.cluster;
  service.applied = found.was == Found::Was::healthy || found.was == Found::Was::done;
  if (found.was == Found::Was::done || found.was == Found::Was::failed) {
    service.ended_run = std::exchange(service.run, {});
    service.phase = found.was == Found::Was::done ? Phase::done : Phase::failed;
  } else {
    service.phase = found.was == Found::Was::healthy ? Phase::running : Phase::starting;
    service.due = now + limits.longest_prepare;
  }
  state.services.push_back(std::move(service));
  if (found.was == Found::Was::up) settle(state.services.back());
}

/// It runs: wait for its health, or take it as healthy.
void Stepping::settle(Service& service) {
  service.phase = Phase::settling;
  const auto& health = service.app.health;
  if (health && !health->http.empty()) {
    service.due = now + std::max(Millis{health->timeout_sec * 1000}, limits.least_health);
    actions.push_back(Probe{service.app.name, service.run});
    return;
  }
  healthy({service.app.name, service.run});
}

void Stepping::up(const Up& up) {
  auto* service = find(up.name, up.run);
  if (!service || (service->phase != Phase::starting && service->phase != Phase::stopping)) return;
  service->executor = up.executor;
  service->pid = up.pid;
  tell_started(*service);
  if (service->phase == Phase::starting) settle(*service);
}

void Stepping::tell_started(Service& service) {
  services::Started fact;
  fact.run = service.run;
  fact.hash = service.run_hash;
  fact.executor = service.executor;
  fact.pid = service.pid;
  note(service, fact);
}

void Stepping::healthy(const Healthy& healthy) {
  auto* service = find(healthy.name, healthy.run);
  if (!service || service->phase != Phase::settling) return;
  service->phase = Phase::running;
  if (service->run_hash == service->hash) service->applied = true;
  services::Healthy fact;
  fact.run = service->run;
  note(*service, fact);
}

void Stepping::not_started(const NotStarted& failed) {
  auto* service = find(failed.name, failed.run);
  if (!service) return;
  services::Failed fact;
  fact.reason = "start";
  fact.message = failed.why;
  note(*service, fact);
  if (service->phase == Phase::stopping) return gone(*service);
  service->ended_run = std::exchange(service->run, {});
  service->unhealthy = false;
  end_badly_or_again(*service, true);
}

/// One that was to go is gone.
void Stepping::gone(Service& service) {
  const bool unhealthy = std::exchange(service.unhealthy, false);
  service.run.clear();
  service.killed = false;
  service.phase = Phase::waiting;
  if (service.wanted && unhealthy && service.run_hash == service.hash) end_badly_or_again(service, true);
}

/// It is not there and should be: rest, give up for a while, or leave it.
void Stepping::end_badly_or_again(Service& service, bool badly) {
  const auto& policy = service.app.restart;
  if (policy == "no" || (policy == "on-failure" && !badly)) {
    service.phase = badly ? Phase::failed : Phase::done;
    if (!badly) service.applied = true;
    return;
  }
  auto& ends = service.ends;
  ends.push_back(now);
  ends.erase(std::remove_if(ends.begin(), ends.end(), [&](Tick t) { return t + limits.crash_window <= now; }),
             ends.end());
  if (ends.size() >= limits.crash_exits) {
    if (ends.size() == limits.crash_exits) {
      services::Failed fact;
      fact.reason = "crash_loop";
      fact.message = "ended " + std::to_string(ends.size()) + " times within " +
                     std::to_string(limits.crash_window.count() / 1000) + " s; tried again every " +
                     std::to_string(limits.crash_rest.count() / 1000) + " s";
      note(service, fact);
    }
    if (ends.size() > limits.crash_exits) ends.erase(ends.begin());
    service.phase = Phase::crash_loop;
    service.due = now + limits.crash_rest;
    return;
  }
  service.phase = Phase::resting;
  auto pause = limits.first_backoff;
  for (size_t i = 1; i < ends.size() && pause < limits.longest_backoff; i++) pause *= 2;
  service.due = now + std::min(pause, limits.longest_backoff);
}

void Stepping::ended(const Ended& ended) {
  auto* service = find(ended.name, ended.run);
  if (!service) return;
  if (service->phase == Phase::stopping) {
    services::Stopped fact;
    fact.run = ended.run;
    fact.reason = service->reason;
    fact.killed = service->killed;
    note(*service, fact);
    return gone(*service);
  }
  const bool badly = !ended.known || ended.code != 0 || ended.signal != 0;
  const auto was = *service;
  service->ended_run = std::exchange(service->run, {});
  service->unhealthy = false;
  const auto at = actions.size();
  if (was.run_hash == was.hash && was.wanted)
    end_badly_or_again(*service, badly);
  else
    service->phase = Phase::waiting;
  services::Exited fact;
  fact.run = ended.run;
  fact.known = ended.known;
  fact.code = ended.code;
  fact.signal = ended.signal;
  fact.done = service->phase == Phase::done;
  fact.name = ended.name;
  actions.insert(actions.begin() + static_cast<std::ptrdiff_t>(at), Note{fact});
}

void Stepping::stop(Service& service) {
  service.phase = Phase::stopping;
  service.reason = !service.wanted ? "removed" : service.run_hash != service.hash ? "changed" : "unhealthy";
  service.killed = false;
  service.due = now + limits.grace;
  actions.push_back(Stop{service.app.name, service.run});
}

void Stepping::pass_time(Service& service) {
  if (service.due > now) return;
  switch (service.phase) {
    case Phase::stopping:
      service.killed = true;
      service.due = now + limits.grace;  // Once more, should the kill not have reached it.
      actions.push_back(Kill{service.app.name, service.run});
      break;
    case Phase::starting:
    case Phase::settling: {
      services::Failed fact;
      fact.reason = "health_timeout";
      fact.message = service.phase == Phase::starting ? "did not come up in time" : "health timeout";
      note(service, fact);
      service.unhealthy = true;
      service.due = Tick::max();
      break;
    }
    case Phase::resting:
    case Phase::crash_loop:
      service.phase = Phase::waiting;
      break;
    default:
      break;
  }
}

/// Those that come after others go before them; the independent ones go together.
void Stepping::stop_what_must_go() {
  for (auto& service : state.services) {
    if (!must_go(service) || service.phase == Phase::stopping) continue;
    const bool needed = std::any_of(state.services.begin(), state.services.end(), [&](const Service& other) {
      const auto& after = other.run_after;
      return must_go(other) && std::find(after.begin(), after.end(), service.app.name) != after.end();
    });
    if (!needed) stop(service);
  }
}

/// In the order of the plan, one at a time, each once all before it are up; what was up before only waits for
/// itself. Nothing starts while something has to go: it may hold a port or a file.
void Stepping::start_next() {
  if (std::any_of(state.services.begin(), state.services.end(), must_go)) return;
  bool held_up = false;
  for (auto& service : state.services) {
    if (!service.wanted) continue;
    if (service.phase == Phase::waiting && !service.live() && (!held_up || service.applied)) {
      service.run = state.life + "-" + std::to_string(++state.runs);
      service.run_hash = service.hash;
      service.run_after = service.app.after;
      service.phase = Phase::starting;
      service.due = now + limits.longest_prepare;
      actions.push_back(Start{service.app.name, service.run});
    }
    if (!service.applied && !is_up(service)) held_up = true;
  }
}

void Stepping::tell_when_applied() {
  auto& all = state.services;
  if (state.told || state.generation.empty() || !std::all_of(all.begin(), all.end(), [](const Service& s) {
        return s.wanted && is_up(s) && (!s.live() || s.run_hash == s.hash);
      }))
    return;
  state.told = true;
  services::Applied fact;
  fact.generation = state.generation;
  actions.push_back(Note{fact});
}

void Stepping::advance() {
  auto& all = state.services;
  for (auto& service : all) pass_time(service);
  all.erase(std::remove_if(all.begin(), all.end(), [](const Service& s) { return !s.wanted && !s.live(); }),
            all.end());
  if (state.generation.empty()) return;  // What was found is left alone until there is a plan.
  stop_what_must_go();
  start_next();
  tell_when_applied();
}

}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, 9> kWords{"waiting", "starting",   "settling", "running", "stopping",
                                                   "resting", "crash_loop", "done",     "failed"};
  return kWords.at(static_cast<size_t>(phase));
}

std::string hash_of(const plan::App& app) {
  auto json = plan::to_json(app);
  json.erase("after");
  return sha256_hex(canonical_json(json));
}

std::vector<Action> step(State& state, const Input& input, Tick now, const Limits& limits) {
  Stepping stepping{state, now, limits};
  match(input)([&](const Plan& i) { stepping.plan(i); }, [&](const Found& i) { stepping.found(i); },
               [&](const Up& i) { stepping.up(i); }, [&](const NotStarted& i) { stepping.not_started(i); },
               [&](const Healthy& i) { stepping.healthy(i); }, [&](const Ended& i) { stepping.ended(i); },
               [](const Clock&) {});
  stepping.advance();
  return std::move(stepping.actions);
}

std::optional<Tick> next_due(const State& state) {
  std::optional<Tick> soonest;
  for (const auto& service : state.services) {
    const bool timed = service.phase == Phase::stopping || service.phase == Phase::starting ||
                       service.phase == Phase::settling || service.phase == Phase::resting ||
                       service.phase == Phase::crash_loop;
    if (timed && service.due != Tick::max() && (!soonest || service.due < *soonest)) soonest = service.due;
  }
  return soonest;
}

std::vector<std::string> running(const State& state) {
  std::vector<std::string> names;
  for (const auto& service : state.services)
    if (service.phase == Phase::settling || service.phase == Phase::running)
      names.push_back(service.app.name);
  return names;
}

}  // namespace muster::supervision
