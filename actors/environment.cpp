// Spawning reconcilers, and keeping what they say.
#include "actors/environment.hpp"

#include <atomic>
#include <mutex>

#include "actors/reconciler.hpp"
#include "actors/reconciler_rounds.hpp"

namespace muster {

using namespace actors;
using environment::Component;

namespace {

constexpr size_t kThreads = 1;  // Of the scheduler, for rounds: every reconciler has a thread of its own.

}  // namespace

struct Environment::Impl {
  explicit Impl(EnvironmentOptions given) : options(std::move(given)) {}

  void spawn() {
    const auto& backends = options.backends;
    const auto with = [this]<class Backend>(Component component, const std::shared_ptr<Backend>& backend) {
      auto deps = deps_of(component);
      deps.steps = [backend](const profile::Profile& profile) { return steps_of(backend, profile); };
      return deps;
    };
    const auto removing = [](const auto& backend) {
      return [backend](const std::vector<bootstrap::Thing>& things) { return removals_of(backend, things); };
    };
    RoundsDeps in_order{{}, options.pace, options.now, options.chance};
    const auto add = [&](ReconcilerDeps deps) {
      const auto component = deps.component;
      const auto progress = deps.progress;
      in_order.parts.push_back(
        {component, system.spawn<caf::detached>(reconciler, std::move(deps)), progress});
    };
    auto storage = with(Component::storage, backends.storage);
    storage.removals = removing(backends.storage);
    storage.settle = [buckets = backends.storage] { return buckets->settle(); };
    add(std::move(storage));
    auto broker = with(Component::broker, backends.broker);
    broker.removals = removing(backends.broker);
    broker.expects = [bus = backends.broker](const profile::Profile& profile) { bus->expect(profile); };
    add(std::move(broker));
    add(with(Component::index, backends.index));
    auto topics = with(Component::topics, backends.topics);
    topics.optional = true;
    add(std::move(topics));
    for (const auto& part : in_order.parts) reconcilers.push_back(part.reconciler);
    in_turn = system.spawn(rounds, std::move(in_order));
  }

  ReconcilerDeps deps_of(Component component) {
    ReconcilerDeps deps;
    deps.component = component;
    deps.node = options.node;
    deps.backend = options.backends.name_of(component);
    deps.endpoint = options.backends.endpoint_of(component);
    deps.observe = options.observe[static_cast<size_t>(component)];
    deps.now = options.now;
    deps.stopping = stopping;
    deps.progress = std::make_shared<std::atomic<uint64_t>>(0);
    deps.intends = options.intends;
    deps.told = [this](environment::Report report) { keep(std::move(report)); };
    return deps;
  }

  void keep(environment::Report report) {
    const auto kept = std::make_shared<const environment::Report>(std::move(report));
    {
      const std::lock_guard lock{mutex};
      seen[static_cast<size_t>(kept->component)] = kept;
    }
    if (options.told) options.told(*kept);
  }

  void begin(RoundPtr round) { caf::anon_send(in_turn, std::move(round)); }

  Status begin_counted(std::shared_ptr<Round> round) {
    if (looks->fetch_add(1) >= kMostLooks) {
      looks->fetch_sub(1);
      return Error{"rate.limited",
                   std::to_string(kMostLooks) + " looks at the environment wait (limit max-waiting-looks)"};
    }
    // Counted until the round is gone, also when the environment stops with it.
    const std::shared_ptr<void> counted{nullptr, [waiting = looks](void*) { waiting->fetch_sub(1); }};
    round->then = [counted, then = std::move(round->then)](std::vector<environment::Report> reports) {
      then(std::move(reports));
    };
    begin(std::move(round));
    return Done{};
  }

  const EnvironmentOptions options;
  const std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
  ActorConfig config{kThreads};
  caf::actor_system system{config};
  const std::shared_ptr<std::atomic<size_t>> looks = std::make_shared<std::atomic<size_t>>(0);
  std::vector<Reconciler> reconcilers;
  Rounds in_turn;
  std::mutex mutex;
  std::array<std::shared_ptr<const environment::Report>, environment::kComponents.size()> seen;
};

Environment::Environment(EnvironmentOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->spawn();
}

Environment::~Environment() {
  impl_->stopping->store(true);
  impl_->options.backends.storage->cancel();
  impl_->options.backends.broker->cancel();
  impl_->options.backends.index->cancel();
  impl_->options.backends.topics->cancel();
  caf::anon_send_exit(impl_->in_turn, caf::exit_reason::user_shutdown);
  for (const auto& one : impl_->reconcilers) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  impl_->reconcilers.clear();
  impl_->in_turn = nullptr;
  impl_->system.await_all_actors_done();
}

void Environment::desire(profile::Profile profile, environment::Pauses pauses, std::function<void()> then) {
  auto round = std::make_shared<Round>();
  auto generation = profile::generation(profile);
  round->desired =
    std::make_shared<const Desired>(Desired{std::move(profile), std::move(generation), std::move(pauses)});
  if (then) round->then = [then = std::move(then)](const std::vector<environment::Report>&) { then(); };
  impl_->begin(std::move(round));
}

Status Environment::look(bool dry_run, std::optional<Component> only,
                         std::function<void(std::vector<environment::Report>)> then) {
  auto round = std::make_shared<Round>();
  round->dry_run = dry_run;
  round->only = only;
  round->then = std::move(then);
  return impl_->begin_counted(std::move(round));
}

Status Environment::prune(bool dry_run, environment::Removals removals,
                          std::function<void(std::vector<environment::Report>)> then) {
  auto round = std::make_shared<Round>();
  round->dry_run = dry_run;
  round->removals = std::make_shared<const environment::Removals>(std::move(removals));
  round->then = std::move(then);
  return impl_->begin_counted(std::move(round));
}

const std::string& Environment::backend(Component component) const {
  return impl_->options.backends.name_of(component);
}

const std::string& Environment::endpoint(Component component) const {
  return impl_->options.backends.endpoint_of(component);
}

std::vector<std::shared_ptr<const environment::Report>> Environment::seen() const {
  std::vector<std::shared_ptr<const environment::Report>> all;
  const std::lock_guard lock{impl_->mutex};
  for (const auto& report : impl_->seen)
    if (report) all.push_back(report);
  return all;
}

const environment::LeftBehind* Environment::left_behind(Component component) const {
  const auto found = impl_->options.left_behind.find(component);
  return found == impl_->options.left_behind.end() ? nullptr : &found->second;
}

const std::string& Environment::node() const {
  return impl_->options.node;
}

}  // namespace muster
