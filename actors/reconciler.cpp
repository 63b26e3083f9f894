// Looking, telling, and planning the next look.
#include "actors/reconciler.hpp"

#include "actors/loud.hpp"

namespace muster::actors {
namespace {

using environment::Report;

/// What is only observed is not changed: it has drifted.
void observe(Report& report) {
  report.observed = true;
  for (auto& row : report.rows)
    if (row.writes())
      row = {row.kind,
             row.name,
             row.status == "changed" ? "drifted" : row.status,
             "observed only: " + row.detail,
             row.desired,
             row.actual};
}

class Looking {
public:
  Looking(Self<Reconciler, ReconcilerState> self, ReconcilerDeps deps)
    : self_(self), deps_(std::move(deps)) {}

  void desire(DesiredPtr desired) {
    auto& state = self_->state;
    state.steps = deps_.steps(desired->profile);
    const auto hash = profile::desired_hash(environment::desired_of(desired->profile, deps_.component));
    state.key =
      profile::idempotency_key(deps_.node, environment::to_text(deps_.component), desired->generation, hash);
    state.desired = std::move(desired);
    state.failed = 0;
    if (deps_.expects) deps_.expects(pause() || observes() ? profile::Profile{} : state.desired->profile);
  }

  Report look(bool dry_run) {
    auto& state = self_->state;
    auto report = begun(dry_run);
    const auto* why = dry_run ? nullptr : pause();
    const auto retry_after = why ? rest(report, *why) : make(report);
    report.took = deps_.now() - report.at;
    if (dry_run || stopping()) return report;
    state.alone_until = report.at + report.took + retry_after;
    state.planned++;
    state.failed = report.wants_retry() ? state.failed + 1 : 0;
    if (state.failed > 0 && state.failed < deps_.pace.attempts)
      caf::delayed_anon_send(
        self_, std::max(environment::next_look(deps_.pace, state.failed, deps_.chance()), retry_after),
        tick_atom::value, state.planned);
    else
      state.failed = 0;
    deps_.told(report);
    return report;
  }

  void hand_on(RoundPtr round) {
    const auto& state = self_->state;
    // One that the interval began asks nobody who wants to be left alone; a person's, and a new profile's,
    // does.
    const bool may_ask = round->then || round->desired || deps_.now() >= state.alone_until;
    const bool idle = deps_.optional && state.steps.empty();
    if (state.desired && !idle && may_ask && (!round->only || *round->only == deps_.component))
      round->reports.push_back(round->removals ? prune(*round->removals, round->dry_run)
                                               : look(round->dry_run));
    if (deps_.next) return deps_.next(std::move(round));
    if (round->then) round->then(std::move(round->reports));
  }

  void begin() {
    caf::delayed_anon_send(self_, deps_.pace.interval, tick_atom::value);
    if (!self_->state.begun.expired()) return;  // A server takes long: rounds do not pile up.
    auto round = std::make_shared<Round>();
    self_->state.begun = round;
    hand_on(std::move(round));
  }

  void again(uint64_t number) {
    if (number == self_->state.planned) (void)look(false);
  }

  [[nodiscard]] const ReconcilerDeps& deps() const { return deps_; }

private:
  [[nodiscard]] bool stopping() const { return deps_.stopping && *deps_.stopping; }

  [[nodiscard]] Report begun(bool dry_run) const {
    const auto& state = self_->state;
    Report report;
    report.component = deps_.component;
    report.backend = deps_.backend;
    report.generation = state.desired->generation;
    report.key = state.key;
    report.attempt = state.failed + 1;
    report.dry_run = dry_run;
    report.at = deps_.now();
    return report;
  }

  /// Nobody is asked.
  [[nodiscard]] Millis rest(Report& report, const std::string& why) const {
    report.rows = paused(self_->state.steps, why);
    return Millis{0};
  }

  /// Looks first, and writes nothing before it is kept what is intended. Returns how long the server wants to
  /// be left alone.
  [[nodiscard]] Millis make(Report& report) const {
    const auto& steps = self_->state.steps;
    auto looked = take(steps, {report.key, true}, deps_.stopping.get());
    report.rows = std::move(looked.rows);
    if (report.dry_run || stopping() || !report.wrote()) return looked.retry_after;
    if (observes()) {
      observe(report);
      return looked.retry_after;
    }
    const auto kept = deps_.intends ? deps_.intends(environment::intent_of(report)) : Status{Done{}};
    if (!kept) {
      for (auto& row : report.rows)
        if (row.writes()) row = {row.kind, row.name, "failed", "nothing was written: " + kept.error().detail};
      return looked.retry_after;
    }
    auto made = take(writing(steps, report.rows), {report.key, false}, deps_.stopping.get());
    if (deps_.settle) made.rows = settled(std::move(made.rows), deps_.settle());
    report.rows = environment::merged(std::move(report.rows), std::move(made.rows));
    return std::max(looked.retry_after, made.retry_after);
  }

  /// In `added` of each row that is gone now, or would be: the thing. Of what is paused or only observed
  /// nothing goes.
  [[nodiscard]] Report prune(const environment::Removals& removals, bool dry_run) const {
    auto report = begun(dry_run);
    const auto own = removals.find(deps_.component);
    if (own == removals.end() || !deps_.removals) return report;
    const auto things = environment::orphans(own->second, self_->state.desired->profile);
    const auto steps = deps_.removals(things);
    if (const auto* why = pause()) {
      report.rows = paused(steps, *why);
      return report;
    }
    report.rows = take(steps, {report.key, dry_run || observes()}, deps_.stopping.get()).rows;
    report.took = deps_.now() - report.at;
    if (observes()) {
      observe(report);
      return report;
    }
    for (size_t i = 0; i < report.rows.size(); i++)
      if (report.rows[i].status == "changed" || report.rows[i].status == "in_sync")
        report.rows[i].added = {things[i]};
    return report;
  }

  /// Why it is paused; null: it is not.
  [[nodiscard]] const std::string* pause() const {
    const auto& pauses = self_->state.desired->pauses;
    const auto found = pauses.find(deps_.component);
    return found == pauses.end() ? nullptr : &found->second;
  }

  [[nodiscard]] bool observes() const {
    const auto& modes = self_->state.desired->profile.modes;
    const auto mode = modes.find(std::string(environment::to_text(deps_.component)));
    return deps_.observe || (mode != modes.end() && mode->second == "observe");
  }

  Self<Reconciler, ReconcilerState> self_;
  const ReconcilerDeps deps_;
};

}  // namespace

Reconciler::behavior_type reconciler(Self<Reconciler, ReconcilerState> self, ReconcilerDeps deps) {
  end_loudly(self, std::string(environment::to_text(deps.component)) + " reconciler");
  const auto looking = std::make_shared<Looking>(self, std::move(deps));
  if (looking->deps().begins) caf::delayed_anon_send(self, looking->deps().pace.interval, tick_atom::value);
  return {
    [looking](const RoundPtr& round) {
      if (round->desired) looking->desire(round->desired);
      looking->hand_on(round);
    },
    [looking](tick_atom) { looking->begin(); },
    [looking](tick_atom, uint64_t number) { looking->again(number); },
  };
}

}  // namespace muster::actors
