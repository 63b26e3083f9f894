// Handing rounds from part to part, and planning the next look.
#include "actors/reconciler_rounds.hpp"

#include <algorithm>

#include "actors/loud.hpp"

namespace muster::actors {
namespace {

class Handing {
public:
  Handing(Self<Rounds, RoundsState> self, RoundsDeps deps)
    : self_(self), state_(self->state), deps_(std::move(deps)) {
    state_.parts.resize(deps_.parts.size());
    later(deps_.pace.interval, [this] { interval(); });
  }

  void begin(RoundPtr round) {
    if (round->desired) desire(round->desired);
    const auto id = ++state_.begun;
    state_.passages[id].round = std::move(round);
    tell_paused(id);
    go_on(id);
  }

private:
  using Passage = RoundsState::Passage;

  void later(Millis time, std::function<void()> what) {
    caf::delayed_anon_send(self_, time, std::make_shared<const std::function<void()>>(std::move(what)));
  }

  /// Rounds that no person asked for are over: the one of this goes the same way.
  void desire(DesiredPtr desired) {
    state_.desired = std::move(desired);
    for (auto& part : state_.parts) {
      part.failed = 0;
      part.planned++;
      std::erase_if(part.waiting, [&](uint64_t id) {
        if (is_persons(id)) return false;
        state_.passages.at(id).open--;
        return true;
      });
    }
    std::vector<uint64_t> over;
    for (auto& [id, passage] : state_.passages) {
      if (is_persons(id)) continue;
      passage.over = true;
      over.push_back(id);
    }
    for (const auto id : over) end(id);
  }

  [[nodiscard]] bool is_persons(uint64_t id) const {
    const auto& round = *state_.passages.at(id).round;
    return round.then && !round.desired;
  }

  /// Of those that are paused now the server is not asked: they need not wait for it, nor for each other.
  void tell_paused(uint64_t id) {
    const auto& round = *state_.passages.at(id).round;
    if (!round.desired || round.dry_run) return;
    for (size_t at = 0; at < deps_.parts.size(); at++)
      if (pauses(at) && is_asked(round, at)) ask(id, at);
  }

  [[nodiscard]] bool pauses(size_t at) const {
    return state_.desired->pauses.contains(deps_.parts[at].component);
  }

  /// To the next part, and to the one after it unless that has to wait.
  void go_on(uint64_t id) {
    auto& passage = state_.passages.at(id);
    const auto& round = *passage.round;
    passage.hold = 0;
    while (!passage.over && passage.next < deps_.parts.size()) {
      const auto at = passage.next++;
      const bool told = round.desired && !round.dry_run && pauses(at);
      if (told || !is_asked(round, at)) continue;
      ask(id, at);
      if (state_.parts[at].slow) continue;
      passage.hold = ++state_.holds;
      return wait(id, passage.hold, deps_.parts[at].progress->load());
    }
    end(id);
  }

  [[nodiscard]] bool is_asked(const Round& round, size_t at) const {
    const auto& part = state_.parts[at];
    if (!state_.desired || (round.only && *round.only != deps_.parts[at].component)) return false;
    // A person's round, and a new profile's, asks also who wants to be left alone.
    if (round.then || round.desired) return true;
    if (!round.only && deps_.now() < part.alone_until) return false;
    return (!part.under_way || is_persons(*part.under_way)) &&
           std::ranges::all_of(part.waiting, [&](uint64_t id) { return is_persons(id); });
  }

  void ask(uint64_t id, size_t at) {
    state_.passages.at(id).open++;
    state_.parts[at].waiting.push_back(id);
    send(at);
  }

  void send(size_t at) {
    auto& part = state_.parts[at];
    if (part.under_way || part.waiting.empty()) return;
    part.under_way = part.waiting.front();
    part.waiting.pop_front();
    const auto& round = *state_.passages.at(*part.under_way).round;
    const auto look =
      std::make_shared<const Look>(Look{state_.desired, round.dry_run, part.failed + 1, round.removals});
    self_->request(deps_.parts[at].reconciler, caf::infinite, look)
      .then([this, at](const LookedPtr& looked) { take(at, *looked); },
            [](const caf::error&) {});  // It was ended, and so is this.
  }

  void take(size_t at, Looked& looked) {
    auto& part = state_.parts[at];
    const auto id = *part.under_way;
    part.under_way.reset();
    auto& passage = state_.passages.at(id);
    passage.open--;
    if (looked.report) {
      part.slow = part.slow && looked.report->wants_retry();
      if (!passage.round->dry_run && !passage.round->removals) plan(at, *looked.report, looked.retry_after);
      passage.reports.emplace(at, std::move(*looked.report));
    }
    send(at);
    if (passage.hold != 0 && passage.next == at + 1) return go_on(id);
    end(id);
  }

  /// Once more before the interval is over, when somebody did not answer.
  void plan(size_t at, const environment::Report& report, Millis retry_after) {
    auto& part = state_.parts[at];
    part.alone_until = report.at + report.took + retry_after;
    part.planned++;
    part.failed = report.wants_retry() ? part.failed + 1 : 0;
    if (part.failed >= deps_.pace.attempts) part.failed = 0;
    if (part.failed == 0) return;
    later(std::max(environment::next_look(deps_.pace, part.failed, deps_.chance()), retry_after),
          [this, at, number = part.planned] {
            if (state_.parts[at].planned != number) return;  // Another look came between.
            auto round = std::make_shared<Round>();
            round->only = deps_.parts[at].component;
            begin(std::move(round));
          });
  }

  /// For the part before the next one, while something comes from it; a round of the interval not even then.
  void wait(uint64_t id, uint64_t hold, uint64_t seen) {
    const auto& round = *state_.passages.at(id).round;
    const bool orderly = round.desired || round.then;
    later(orderly ? kPatience : kShortPatience, [this, id, hold, seen, orderly] {
      const auto found = state_.passages.find(id);
      if (found == state_.passages.end() || found->second.hold != hold) return;
      const auto at = found->second.next - 1;
      const auto now = deps_.parts[at].progress->load();
      if (now == seen) state_.parts[at].slow = true;
      if (now != seen && orderly) return wait(id, hold, now);
      go_on(id);
    });
  }

  void end(uint64_t id) {
    auto& passage = state_.passages.at(id);
    if (passage.open > 0) return;
    const auto round = std::move(passage.round);
    std::vector<environment::Report> reports;
    for (auto& [at, report] : passage.reports) reports.push_back(std::move(report));
    state_.passages.erase(id);
    if (round->then) round->then(std::move(reports));
  }

  void interval() {
    later(deps_.pace.interval, [this] { interval(); });
    // While another profile is made in order nobody goes ahead of it.
    const bool making = std::ranges::any_of(state_.passages, [](const auto& one) {
      return one.second.hold != 0 && one.second.round->desired && !one.second.over;
    });
    if (!making) begin(std::make_shared<Round>());
  }

  Self<Rounds, RoundsState> self_;
  RoundsState& state_;
  const RoundsDeps deps_;
};

}  // namespace

Rounds::behavior_type rounds(Self<Rounds, RoundsState> self, RoundsDeps deps) {
  end_loudly(self, "environment rounds");
  const auto handing = std::make_shared<Handing>(self, std::move(deps));
  return {
    [handing](const RoundPtr& round) { handing->begin(round); },
    [handing](const LaterPtr& what) { (*what)(); },
  };
}

}  // namespace muster::actors
