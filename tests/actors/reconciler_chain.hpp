// Three reconcilers and their rounds in virtual time, above fakes of their backends.
#pragma once

#include "actors/reconciler_rounds.hpp"
#include "tests/actors/actor_world.hpp"

namespace muster::actors {

/// Fakes a backend of one component: its resources are made by the first call that may write. Calls are noted
/// as "NAME?" when they only look, and as "NAME!".
struct FakeBackend {
  std::vector<std::string>* calls = nullptr;
  std::string name;
  profile::Profile expected{};  ///< What it was told to keep last.
  bool away = false, made = false;
  bool blind = false;   ///< Cannot see whether it is made.
  Millis throttled{0};  ///< How long it asks to be left alone while it is away.
  Millis takes{0};      ///< Each call, whatever comes of it; the others go on meanwhile.
  std::function<void(Millis)> pass{};
  size_t resources = 1;
  std::vector<Step> own{};  ///< In place of those.

  std::vector<Step> steps() {
    if (!own.empty()) return own;
    return std::vector<Step>(resources, {"thing", name,
                                         [this](const environment::Ask& ask) -> Result<environment::Ensured> {
                                           calls->push_back(name + (ask.dry_run ? "?" : "!"));
                                           wait();
                                           return ensure(ask);
                                         },
                                         false, [this] { return throttled; }});
  }

  void wait() const {
    const auto now = pass;  // It may set another.
    if (takes > Millis{0}) now(takes);
  }

  Result<environment::Ensured> ensure(const environment::Ask& ask) {
    using environment::Outcome;
    if (away) return Error{throttled > Millis{0} ? "backend.throttled" : "unreachable", "not now"};
    if (blind && ask.dry_run && !made) {
      environment::Ensured told{Outcome::in_sync, "cannot be seen"};
      told.unseen = true;
      return told;
    }
    const auto outcome = made ? Outcome::in_sync : Outcome::changed;
    made |= !ask.dry_run;
    return environment::Ensured{outcome, "made"};
  }
};

struct Chain : ActorWorld {
  explicit Chain(bool observe = false) {
    RoundsDeps in_order{{}, {}, [this] { return now(); }, [] { return 0.0; }};
    for (const auto component :
         {environment::Component::storage, environment::Component::broker, environment::Component::index}) {
      auto deps = deps_of(component);
      deps.observe = observe;
      if (component == environment::Component::storage) deps.settle = [this] { return settled++, unkept; };
      const auto progress = deps.progress;
      reconcilers.push_back(system.spawn(reconciler, std::move(deps)));
      in_order.parts.push_back({component, reconcilers.back(), progress});
    }
    in_turn = system.spawn(rounds, std::move(in_order));
    settle();
  }
  ~Chain() {
    caf::anon_send_exit(in_turn, caf::exit_reason::user_shutdown);
    for (const auto& one : reconcilers) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    settle();
  }

  void begin(Round round) {
    if (desired != given) round.desired = given = desired;
    caf::anon_send(in_turn, std::make_shared<Round>(std::move(round)));
    settle();
  }
  std::vector<environment::Report> look(bool dry_run, std::optional<environment::Component> only = {}) {
    std::vector<environment::Report> got;
    Round round;
    round.dry_run = dry_run;
    round.only = only;
    round.then = [&](std::vector<environment::Report> reports) { got = std::move(reports); };
    begin(std::move(round));
    return got;
  }

  std::array<FakeBackend, 3> fakes;
  std::vector<std::string> calls;
  std::vector<environment::Intent> intents;
  Status kept = Done{};                    ///< What becomes of an intent.
  std::map<std::string, Unkept> unkept{};  ///< Of what the storage wrote.
  int settled = 0;                         ///< How often that was asked.
  std::vector<environment::Report> told;
  std::vector<Reconciler> reconcilers;
  Rounds in_turn;
  DesiredPtr desired = std::make_shared<const Desired>(Desired{{}, "g-1"});
  DesiredPtr given{};  ///< The last one.

private:
  ReconcilerDeps deps_of(environment::Component component) {
    auto& fake = fakes[static_cast<size_t>(component)];
    fake.calls = &calls;
    fake.name = environment::to_text(component);
    fake.pass = [this](Millis time) { advance(time); };
    ReconcilerDeps deps;
    deps.component = component;
    deps.node = "n1";
    deps.steps = [&fake](const profile::Profile&) { return fake.steps(); };
    deps.expects = [&fake](const profile::Profile& profile) { fake.expected = profile; };
    deps.removals = [&fake](const std::vector<bootstrap::Thing>& things) {
      std::vector<Step> steps;
      for (const auto& thing : things)
        steps.push_back(
          {thing.kind, thing.name, [&fake](const environment::Ask& ask) -> Result<environment::Ensured> {
             fake.calls->push_back(fake.name + (ask.dry_run ? " goes?" : " goes!"));
             fake.wait();
             return environment::Ensured{environment::Outcome::changed, "removed"};
           }});
      return steps;
    };
    deps.now = [this] { return now(); };
    deps.intends = [this](const environment::Report& look) {
      intents.push_back(environment::intent_of(look));
      return kept;
    };
    deps.told = [this](environment::Report report) { told.push_back(std::move(report)); };
    deps.progress = std::make_shared<std::atomic<uint64_t>>(0);
    return deps;
  }
};

}  // namespace muster::actors
