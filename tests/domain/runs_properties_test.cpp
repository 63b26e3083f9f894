// Shows what holds of runs whatever is asked and told, in whatever order.
#include <map>
#include <set>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "tests/domain/support/runs_given.hpp"

using namespace muster;
using namespace muster::runs;
namespace gen = rc::gen;

namespace {

constexpr Limits kLimits{2, 2, 6};

/// Runs as the events alone tell of them.
struct Model {
  struct Known {
    std::string node, job, group, status = "queued";
    bool dispatched = false, ended = false;
  };
  std::map<std::string, Known> runs;

  void operator()(const Accepted& e) {
    RC_ASSERT(!runs.contains(e.run));
    runs[e.run] = {e.node, e.job, e.group, "queued", false, false};
  }
  void operator()(const Dispatched& e) {
    auto& run = live(e.run);
    RC_ASSERT(!run.dispatched);
    RC_ASSERT(e.node == run.node);
    RC_ASSERT(run.status != "canceled");
    run.dispatched = true;
  }
  void operator()(const Started& e) { on_node(e); }
  void operator()(const StepStarted& e) { on_node(e); }
  void operator()(const StepFinished& e) { on_node(e); }
  void operator()(const Finished& e) {
    auto& run = live(e.run);
    RC_ASSERT(run.status != "canceled" || e.status == "canceled");
    RC_ASSERT(run.dispatched || e.status == "canceled");
    run.ended = true;
    run.status = e.status;
  }
  void operator()(const Canceled& e) {
    auto& run = live(e.run);
    RC_ASSERT(run.status != "canceled");
    run.status = "canceled";
  }
  void operator()(const PolicyDecided& e) { RC_ASSERT(e.run.empty() || runs.contains(e.run)); }

private:
  Known& live(const std::string& id) {
    RC_ASSERT(runs.contains(id));
    RC_ASSERT(!runs[id].ended);
    return runs[id];
  }
  void on_node(const Fact& fact) {
    const auto& run = live(fact.run);
    RC_ASSERT(run.dispatched);
    RC_ASSERT(run.node == fact.node);
  }
};

std::string some(const char* of) {
  return of + std::to_string(*gen::inRange(0, 3));
}

std::string some_run() {
  return "r" + std::to_string(*gen::inRange(0, 14));
}

Submit any_submit() {
  Submit made{given::asked(some_run(), some("job")), {}, kLimits};
  made.run.node = some("n");
  made.run.priority = *gen::inRange<int64_t>(-1, 2);
  if (*gen::arbitrary<bool>()) {
    made.run.group = some("g");
    made.run.policy = *gen::element<std::string>("queue", "skip", "cancel_running");
  }
  if (*gen::inRange(0, 6) == 0)
    made.policies = {given::policy("s", *gen::element<std::string>("allowed", "warn", "denied"), "c")};
  if (*gen::inRange(0, 6) == 0) made.run.of = some_run();
  return made;
}

Report any_report() {
  Report made{some("n"), *gen::element<std::string>("s", "s", "s", "new"), {}, kLimits};
  uint64_t number = *gen::inRange<uint64_t>(0, 60);
  const auto count = *gen::inRange(0, 4);
  for (int i = 0; i < count; i++) {
    number += *gen::inRange<uint64_t>(1, 3);
    const auto run = some_run();
    auto step = given::fact<StepStarted>(run, number);
    auto done = given::fact<StepFinished>(run, number);
    auto last = given::fact<Finished>(run, number);
    step.step = done.step = "build";
    step.attempt = done.attempt = *gen::inRange<uint64_t>(1, 4);
    done.status = *gen::element<std::string>("completed", "failed", "skipped");
    last.status = *gen::element<std::string>("completed", "failed", "canceled", "lost");
    made.facts.push_back(*gen::element<Told>(given::fact<Started>(run, number), step, done, last, last));
  }
  return made;
}

Command any_command() {
  switch (*gen::inRange(0, 8)) {
    case 0:
      return Cancel{some_run()};
    case 1:
      return Sweep{
        *gen::inRange(0, 3) == 0 ? std::vector<std::string>{some("n")} : std::vector<std::string>{}, kLimits};
    case 2:
    case 3:
    case 4:
      return any_report();
    default:
      return any_submit();
  }
}

void check_limits(const Model& model) {
  std::map<std::string, uint64_t> nodes, jobs, groups;
  uint64_t queued = 0;
  for (const auto& [id, run] : model.runs) {
    if (run.ended) continue;
    if (!run.dispatched) {
      queued++;
      continue;
    }
    RC_ASSERT(++nodes[run.node] <= kLimits.per_node);
    RC_ASSERT(++jobs[run.job] <= kLimits.per_job);
    if (!run.group.empty()) RC_ASSERT(++groups[run.group] <= 1U);
  }
  RC_ASSERT(queued <= kLimits.queued);
  for (const auto& [id, run] : model.runs) {
    if (run.ended || run.dispatched) continue;
    const bool may = nodes[run.node] < kLimits.per_node && jobs[run.job] < kLimits.per_job &&
                     (run.group.empty() || groups[run.group] == 0);
    RC_ASSERT(!may);  // Else it would have been started.
  }
}

/// The counts that the state keeps are those of its runs.
void check_state(const State& state, const Model& model) {
  size_t active = 0, queued = 0;
  for (const auto& [id, run] : model.runs) {
    if (!run.ended) active++;
    if (!run.ended && !run.dispatched) queued++;
    const auto* ended = state.ended.find(id);
    RC_ASSERT((ended != nullptr) == run.ended);
    if (ended) RC_ASSERT(ended->status == run.status);
  }
  RC_ASSERT(state.active.size() == active);
  RC_ASSERT(state.queue.size() == queued);
  uint64_t on_nodes = 0, of_jobs = 0;
  state.on_node.each([&](const std::string&, const Count& one) { on_nodes += one.count; });
  state.of_job.each([&](const std::string&, const Count& one) { of_jobs += one.count; });
  RC_ASSERT(on_nodes == active - queued);
  RC_ASSERT(of_jobs == active - queued);
}

}  // namespace

TEST_CASE("never more than the limits, never two of a group, never late, never left waiting") {
  CHECK(rc::check("any sequence of commands and facts", [] {
    State state;
    Model model;
    const auto count = *gen::inRange(0, 60);
    for (int i = 0; i < count; i++) {
      const auto decided = runs::decide(state, any_command(), given::kStart);
      if (!decided) continue;
      for (const auto& event : decided->events) {
        std::visit(model, event);
        state = muster::evolve(std::move(state), event);
      }
      check_limits(model);
      check_state(state, model);
    }
  }));
}

TEST_CASE("saying everything again changes nothing") {
  CHECK(rc::check("any sequence of reports", [] {
    State state;
    const auto count = *gen::inRange(0, 40);
    for (int i = 0; i < count; i++) {
      const auto command = any_command();
      for (int time = 0; time < 2; time++) {
        const auto decided = runs::decide(state, command, given::kStart);
        if (!decided) continue;
        if (time == 1 && std::holds_alternative<Report>(command)) RC_ASSERT(decided->events.empty());
        if (time == 1 && std::holds_alternative<Cancel>(command)) RC_ASSERT(decided->events.empty());
        for (const auto& event : decided->events) state = muster::evolve(std::move(state), event);
      }
    }
  }));
}
