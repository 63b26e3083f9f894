// The course of a run, on the loop's thread.
#include "adapters/run_execution.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/execution_parts.hpp"
#include "adapters/step_output.hpp"
#include "domain/jobs/attempts.hpp"
#include "domain/jobs/steps.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kReleaseAgain{20};
constexpr int kReleases = 100;

class Course : public Execution {
public:
  Course(ScriptLoop& loop, RunOrder order, ExecutionHooks hooks, Now now, RunJournal journal,
         std::shared_ptr<const jobs::Secrets> secrets)
    : loop_(loop),
      order_(std::move(order)),
      hooks_(std::move(hooks)),
      now_(std::move(now)),
      journal_(std::move(journal)),
      secrets_(std::move(secrets)),
      schedule_(needs_of(order_), order_.at_once),
      live_(order_.steps.size()) {}

  [[nodiscard]] const RunOrder& order() const override { return order_; }

  void cancel(const std::string& reason) override {
    loop_.later({}, [self = self(), reason] { self->cancel_now(reason); });
  }

  void go() {
    progress_.began = now_();
    for (const auto& step : order_.steps) {
      const bool done = std::find(order_.done.begin(), order_.done.end(), step.id) != order_.done.end();
      progress_.steps.push_back({step.id, 0, 0, done ? "completed" : "", 0, "", 0, 0, ""});
    }
    save();
    announce();
    for (size_t i = 0; i < progress_.steps.size(); i++)
      if (progress_.steps[i].state == "completed") settle(i, "completed", true);
    advance();
  }

  /// What was told last may have been told to nobody: it is told again.
  void go_on(RunProgress progress, const std::optional<std::string>& canceled) {
    progress_ = std::move(progress);
    announce();
    if (canceled && !progress_.canceled) note_cancel(*canceled);
    std::vector<size_t> running, waiting, skipped;
    const auto also = [&](const std::vector<size_t>& steps) {
      skipped.insert(skipped.end(), steps.begin(), steps.end());
    };
    bool stop = progress_.ending();
    for (size_t i = 0; i < progress_.steps.size(); i++) {
      const auto& step = progress_.steps[i];
      if (step.state == "completed" || step.state == "failed")
        also(schedule_.ended(i, step.state == "completed"));
      if (step.state == "running") running.push_back(i);
      if (step.state == "waiting") waiting.push_back(i);
      if (step.state != "failed") continue;
      stop = stop || handling_of(order_).policy != jobs::OnError::go_on;
      if (first_error_.step.empty())
        first_error_ = {step.id, step.attempt, step.exit_code, step.state, step.error};
    }
    for (const auto* steps : {&running, &waiting})
      for (const auto i : *steps) schedule_.started(i);
    if (stop) also(schedule_.stop());
    std::erase_if(skipped, [this](size_t i) { return progress_.steps[i].state == "skipped"; });
    skip(skipped);
    for (const auto i : running) adopt_step(i);
    for (const auto i : waiting) again_later(i);
    if (progress_.canceled || progress_.timed_out) return end_all();
    advance();
  }

private:
  struct Live {
    std::unique_ptr<StepOutput> output;
    ScriptLoop::Id process = 0;
    bool ending = false;
    ScriptLoop::Id next_attempt = 0;  ///< The task that begins it, in the back-off.
  };

  std::shared_ptr<Course> self() { return std::static_pointer_cast<Course>(shared_from_this()); }
  [[nodiscard]] std::string pipes_of(size_t step) const {
    const auto& progress = progress_.steps[step];
    return order_.memory + "/pipes/" + std::to_string(step) + "-" + std::to_string(progress.attempt) +
           (progress.again == 0 ? "" : "." + std::to_string(progress.again));
  }
  void remove_pipes(size_t step) const { remove_folder(pipes_of(step)); }
  void save() const { (void)replace_file(order_.memory + "/progress", to_json_text(progress_)); }

  /// That it runs; what an earlier life wrote of it into its stream is there already.
  void announce() {
    const auto told = journal_.totals().last;
    for (size_t i = told; i < order_.notes.size(); i++) (void)journal_.event(0, order_.notes[i], now_());
    if (told <= order_.notes.size()) note("run.start", {{"status", "running"}});
    hooks_.started(progress_.began);
    for (const auto& step : order_.done) hooks_.step_finished({step, 0, 0, "completed", ""}, now_());
    watch_the_time();
  }

  /// One event of the run's stream.
  void note(const std::string& type, const Json& more, std::optional<size_t> step = {}) {
    const auto text = event_text(order_, progress_.began, step ? order_.steps[*step].id : "", more);
    (void)journal_.event(static_cast<uint16_t>(step.value_or(0)), type + ' ' + text, now_());
    hooks_.journaled();
  }

  void advance() {
    if (finished_) return;
    for (const auto step : schedule_.startable()) {
      schedule_.started(step);
      begin_attempt(step);
      if (finished_) return;
    }
    if (schedule_.done()) finish();
  }

  void begin_attempt(size_t step) {
    auto& progress = progress_.steps[step];
    progress.attempt++;
    progress.again = 0;
    progress.state = "running";
    progress.pid = 0;
    save();
    note("step.start", {{"attempt", progress.attempt}}, step);
    hooks_.step_started(progress.id, progress.attempt, now_());
    live_[step] = {std::make_unique<StepOutput>(journal_, static_cast<uint16_t>(step), secrets_), 0, false};
    try_to_start(step);
  }

  void try_to_start(size_t step) {
    const auto& order = order_.steps[step];
    if (order_.dry) return ended(step, {order.id, 0, 0, "completed", ""});
    if (!order.refused.empty()) return ended(step, {order.id, 0, -1, "failed", order.refused});
    aside(step, order.before, [self = self(), step](const std::string& wrong) {
      if (self->live_[step].ending || self->progress_.ending())
        return self->ended(step, {"", 0, -1, "failed", "it was not started any more"});
      if (!wrong.empty())
        return self->ended(step, {"", 0, -1, "failed", "container.name.conflict: " + wrong});
      self->start(step);
    });
  }

  void start(size_t step) {
    const auto& order = order_.steps[step];
    ScriptOrder script{order.command, {order.env.begin(), order.env.end()}, order.folder, pipes_of(step)};
    auto process = ScriptProcess::start(script);
    if (!process) return ended(step, {"", 0, -1, "failed", process.error().detail});
    take(step, std::move(*process));
  }

  void adopt_step(size_t step) {
    auto& progress = progress_.steps[step];
    live_[step] = {std::make_unique<StepOutput>(journal_, static_cast<uint16_t>(step), secrets_), 0, false};
    hooks_.step_started(progress.id, progress.attempt, now_());
    auto process = ScriptProcess::adopt(pipes_of(step), {progress.pid, progress.start_ticks, progress.boot});
    if (process) return take(step, std::move(*process));
    if (const auto code = exit_status_in(pipes_of(step))) return gone(step, outcome_of({true, *code, false}));
    if (never_begins(pipes_of(step))) {
      remove_pipes(step);
      progress.again++;
      save();
      return try_to_start(step);
    }
    progress_.lost = true;
    gone(step, {"", 0, -1, "failed", "it is not there any more, and nobody saw how it ended"});
  }

  /// Its process is not there any more: what is left of its container goes, and it has ended.
  void gone(size_t step, const StepOutcome& outcome) {
    live_[step].process = 0;
    aside(step, order_.steps[step].after,
          [self = self(), step, outcome](const std::string&) { self->ended(step, outcome); });
  }

  void take(size_t step, ScriptProcess process) {
    auto& progress = progress_.steps[step];
    progress.pid = process.id().pid;
    progress.start_ticks = process.id().start_ticks;
    progress.boot = process.id().boot;
    save();
    ScriptSink sink;
    sink.output = [self = self(), step](Channel channel, std::string_view bytes) {
      self->live_[step].output->write(channel, bytes, self->now_());
      self->hooks_.journaled();
    };
    sink.quiet = [self = self(), step] {
      self->live_[step].output->quiet(self->now_());
      self->hooks_.journaled();
    };
    sink.ended = [self = self(), step](const ScriptEnd& end) { self->gone(step, outcome_of(end)); };
    live_[step].process = loop_.add(std::move(process), std::move(sink), {});
  }

  /// Runs a step's other commands; `then` is told what went wrong.
  void aside(size_t step, const std::vector<Words>& lines, std::function<void(const std::string&)> then) {
    const auto& order = order_.steps[step];
    run_aside(loop_,
              {{},
               {order.env.begin(), order.env.end()},
               order.folder,
               order_.memory + "/pipes/aside-" + std::to_string(++asides_)},
              lines, [self = self(), then = std::move(then)](const std::string& wrong) {
                then(self->secrets_->hide(wrong));
              });
  }

  void ended(size_t step, StepOutcome outcome) {
    auto& progress = progress_.steps[step];
    live_[step].output->finish(now_());
    outcome.step = order_.steps[step].id;
    outcome.attempt = progress.attempt;
    outcome.error = secrets_->hide(outcome.error);
    Json more = {{"exit_code", outcome.exit_code}, {"status", outcome.status}, {"attempt", outcome.attempt}};
    if (!outcome.error.empty()) more["error"] = outcome.error;
    progress.exit_code = outcome.exit_code;
    progress.error = outcome.error;
    note("step.finish", more, step);
    auto told = outcome;
    if (order_.dry) told.status = "skipped";  // Whoever resumes the run is to find nothing done.
    hooks_.step_finished(told, now_());
    const bool good = outcome.status == "completed";
    if (!good && first_error_.step.empty()) first_error_ = outcome;
    const auto ending = good                 ? jobs::Ending::succeeded
                        : progress_.ending() ? jobs::Ending::canceled
                                             : jobs::Ending::failed;
    const auto follow = jobs::after_attempt(handling_of(order_), progress.attempt, ending);
    if (follow.what == jobs::Follow::What::again) {
      progress.state = "waiting";
      save();
      remove_pipes(step);
      return again_later(step, follow.after_s);
    }
    settle(step, outcome.status, good);
    remove_pipes(step);
    if (follow.what == jobs::Follow::What::stop) skip(schedule_.stop());
    advance();
  }

  void again_later(size_t step, uint64_t seconds = 0) {
    if (first_error_.step == order_.steps[step].id) first_error_ = {};
    if (progress_.ending()) return give_up(step);
    live_[step].next_attempt = loop_.later(std::chrono::seconds{seconds}, [self = self(), step] {
      if (self->progress_.steps[step].state == "waiting") self->begin_attempt(step);
    });
  }

  /// It waits for its next attempt, which is not to be.
  void give_up(size_t step) {
    loop_.forget(live_[step].next_attempt);
    settle(step, "failed", false);
  }

  /// The step ended for good.
  void settle(size_t step, const std::string& state, bool good) {
    progress_.steps[step].state = state;
    save();
    if (const auto& group = order_.steps[step].group; !group.empty()) release(group, kReleases);
    skip(schedule_.ended(step, good));
  }

  void release(const std::string& group, int tries) {
    if (hooks_.released(group) || tries == 0) return;
    loop_.later(kReleaseAgain, [self = self(), group, tries] { self->release(group, tries - 1); });
  }

  void skip(const std::vector<size_t>& steps) {
    for (const auto step : steps) {
      progress_.steps[step].state = "skipped";
      note("step.finish", {{"exit_code", 0}, {"status", "skipped"}}, step);
      hooks_.step_finished({order_.steps[step].id, 0, 0, "skipped", ""}, now_());
    }
    if (!steps.empty()) save();
  }

  void watch_the_time() {
    if (order_.timeout_s == 0) return;
    const auto left = progress_.began + std::chrono::seconds{order_.timeout_s} - now_();
    time_limit_ = loop_.later(std::max(left, Millis{0}), [self = self()] {
      if (self->finished_ || self->progress_.canceled) return;
      self->progress_.timed_out = true;
      self->save();
      self->end_all();
    });
  }

  void cancel_now(const std::string& reason) {
    if (finished_ || progress_.canceled) return;
    note_cancel(reason);
    end_all();
  }

  void note_cancel(const std::string& reason) {
    progress_.canceled = true;
    note("run.canceled", {{"status", "canceled"}, {"timestamp", to_rfc3339(now_())}, {"reason", reason}});
    save();
  }

  void end_all() {
    skip(schedule_.stop());
    for (size_t i = 0; i < live_.size(); i++) end_step(i);
    advance();
  }

  /// A container ends by its runtime; then whatever of it runs here is asked to end, too.
  void end_step(size_t step) {
    if (schedule_.state(step) != jobs::Schedule::State::running) return;
    if (progress_.steps[step].state == "waiting") return give_up(step);
    if (std::exchange(live_[step].ending, true)) return;
    aside(step, order_.steps[step].cancel, [self = self(), step](const std::string&) {
      if (const auto process = self->live_[step].process; process != 0) self->loop_.stop(process);
    });
  }

  void finish() {
    finished_ = true;
    loop_.forget(time_limit_);  // It would hold all of this, and the journal, until then.
    auto outcome = outcome_of(progress_, first_error_, schedule_.any_failed());
    Json more = {{"status", outcome.status}, {"finished_at", to_rfc3339(now_())}};
    if (!outcome.error.empty()) more["error"] = outcome.error;
    note("run.finish", more);
    outcome.output = journal_.totals();
    hooks_.finished(outcome, now_());
    for (const auto& gone : {order_.memory, order_.folder + "/secrets"}) remove_folder(gone);
  }

  ScriptLoop& loop_;
  const RunOrder order_;
  const ExecutionHooks hooks_;
  const Now now_;
  RunJournal journal_;
  const std::shared_ptr<const jobs::Secrets> secrets_;
  jobs::Schedule schedule_;
  std::vector<Live> live_;
  RunProgress progress_;
  StepOutcome first_error_;
  uint64_t asides_ = 0;
  ScriptLoop::Id time_limit_ = 0;
  bool finished_ = false;
};

Result<std::shared_ptr<Course>> make(ScriptLoop& loop, RunOrder order, ExecutionHooks hooks, Now now) {
  auto journal = RunJournal::open(order.folder + "/journal", {}, hooks.counts);
  if (!journal) return Error{"internal", journal.error().detail, {}};
  auto secrets = jobs::Secrets::of(order.hide);
  if (!secrets) return secrets.error();
  return std::make_shared<Course>(loop, std::move(order), std::move(hooks), std::move(now),
                                  std::move(*journal), std::move(*secrets));
}

}  // namespace

Result<std::shared_ptr<Execution>> Execution::begin(ScriptLoop& loop, RunOrder order, ExecutionHooks hooks,
                                                    Now now) {
  if (auto made = make_folders(order); !made) return made.error();
  if (auto kept = replace_file(order.memory + "/order", to_json_text(order)); !kept) return kept.error();
  auto course = make(loop, std::move(order), std::move(hooks), std::move(now));
  if (!course) return course.error();
  loop.later({}, [course = *course] { course->go(); });
  return std::shared_ptr<Execution>{*course};
}

Result<std::shared_ptr<Execution>> Execution::adopt(ScriptLoop& loop, const std::string& memory,
                                                    ExecutionHooks hooks, Now now,
                                                    std::optional<std::string> canceled) {
  auto order = read_file<RunOrder>(memory + "/order");
  if (!order) return Error{"not.found", "nothing is known of the run in " + memory, {}};
  auto progress = read_file<RunProgress>(memory + "/progress");
  auto course = make(loop, std::move(*order), std::move(hooks), std::move(now));
  if (!course) return course.error();
  loop.later({}, [course = *course, progress, canceled = std::move(canceled)] {
    if (progress && progress->steps.size() == course->order().steps.size())
      course->go_on(*progress, canceled);
    else
      course->go();  // It ended before it had begun.
  });
  return std::shared_ptr<Execution>{*course};
}

}  // namespace muster
