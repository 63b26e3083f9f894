// Looking, making, pruning, and telling.
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

/// Rows that are to be written come to this instead.
void write_nothing(Report& report, const char* status, const std::string& why) {
  for (auto& row : report.rows)
    if (row.writes()) row = {row.kind, row.name, status, "nothing was written: " + why};
}

class Looking {
public:
  Looking(Self<Reconciler, ReconcilerState> self, ReconcilerDeps deps)
    : self_(self), deps_(std::move(deps)) {}

  [[nodiscard]] LookedPtr look(const Look& asked) const {
    auto looked = std::make_shared<Looked>();
    if (asked.desired != self_->state.desired) desire(asked.desired);
    if (deps_.optional && self_->state.steps.empty()) return looked;
    auto& report = looked->report.emplace(begun(asked));
    if (asked.removals)
      prune(report, *asked.removals);
    else if (const auto* why = asked.dry_run ? nullptr : pause())
      report.rows = paused(self_->state.steps, *why);
    else
      looked->retry_after = make(report);
    report.took = deps_.now() - report.at;
    if (!asked.dry_run && !asked.removals && !stopping()) deps_.told(report);
    return looked;
  }

private:
  [[nodiscard]] bool stopping() const { return deps_.stopping && *deps_.stopping; }

  void desire(const DesiredPtr& desired) const {
    auto& state = self_->state;
    state.steps = deps_.steps(desired->profile);
    const auto hash = profile::desired_hash(environment::desired_of(desired->profile, deps_.component));
    state.key =
      profile::idempotency_key(deps_.node, environment::to_text(deps_.component), desired->generation, hash);
    state.desired = desired;
    state.firsts.clear();
    if (deps_.expects) deps_.expects(pause() || observes() ? profile::Profile{} : desired->profile);
  }

  [[nodiscard]] Report begun(const Look& asked) const {
    const auto& state = self_->state;
    Report report;
    report.component = deps_.component;
    report.backend = deps_.backend;
    report.endpoint = deps_.endpoint;
    report.generation = state.desired->generation;
    report.key = state.key;
    report.attempt = asked.attempt;
    report.dry_run = asked.dry_run;
    report.at = deps_.now();
    return report;
  }

  [[nodiscard]] Taken go_through(const std::vector<Step>& steps, bool dry_run) const {
    auto& state = self_->state;
    auto taken =
      take(steps, {state.key, dry_run}, {deps_.stopping.get(), deps_.progress.get(), &state.firsts});
    for (const auto& [kind, name] : taken.not_asked) state.firsts[kind] = name;
    return taken;
  }

  /// Looks first, and writes nothing before it is kept what is intended. Returns how long the server wants to
  /// be left alone.
  [[nodiscard]] Millis make(Report& report) const {
    const auto& steps = self_->state.steps;
    auto looked = go_through(steps, true);
    report.rows = std::move(looked.rows);
    if (report.dry_run || stopping()) return looked.retry_after;
    if (!report.wrote()) {
      settle(report);
      return looked.retry_after;
    }
    if (observes()) {
      observe(report);
      return looked.retry_after;
    }
    if (looked.retry_after > Millis{0}) {
      write_nothing(report, "unreachable", "the server asked to be left alone");
      return looked.retry_after;
    }
    const auto kept = deps_.intends ? deps_.intends(report) : Status{Done{}};
    if (!kept) {
      write_nothing(report, "failed", kept.error().detail);
      return looked.retry_after;
    }
    auto made = go_through(writing(steps, report.rows), false);
    report.rows = environment::merged(std::move(report.rows), std::move(made.rows));
    settle(report);
    return made.retry_after;
  }

  void settle(Report& report) const {
    if (deps_.settle) report.rows = settled(std::move(report.rows), deps_.settle());
  }

  /// In `added` of each row that is gone now, or would be: the thing. Of what is paused or only observed
  /// nothing goes.
  void prune(Report& report, const environment::Removals& removals) const {
    const auto own = removals.find(deps_.component);
    if (own == removals.end() || !deps_.removals) return;
    const auto things = environment::orphans(own->second, self_->state.desired->profile);
    const auto steps = deps_.removals(things);
    if (const auto* why = pause()) {
      report.rows = paused(steps, *why);
      return;
    }
    report.rows =
      take(steps, {report.key, report.dry_run || observes()}, {deps_.stopping.get(), deps_.progress.get()})
        .rows;
    if (observes()) return observe(report);
    for (size_t i = 0; i < report.rows.size(); i++)
      if (report.rows[i].status == "changed" || report.rows[i].status == "in_sync")
        report.rows[i].added = {things[i]};
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
  const auto looking = std::make_shared<const Looking>(self, std::move(deps));
  return {[looking](const LookPtr& asked) { return looking->look(*asked); }};
}

}  // namespace muster::actors
