// Wiring the actors together, and stopping them in order.
#include "actors/system.hpp"

#include <array>
#include <condition_variable>
#include <future>
#include <list>
#include <mutex>

#include <spdlog/spdlog.h>

#include "actors/burst.hpp"
#include "actors/checkpointer.hpp"
#include "actors/lease.hpp"
#include "actors/log.hpp"
#include "actors/nodes.hpp"
#include "actors/projector.hpp"
#include "actors/sweeping.hpp"

namespace muster {
namespace {

using namespace actors;

constexpr size_t kPastViews = 4;  // Worlds of the past that are kept.

struct ActorConfig : caf::actor_system_config {
  explicit ActorConfig(size_t threads) {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", threads);
    set("logger.console-verbosity", caf::atom("quiet"));
  }
};

/// A disk that does not give its bytes ends a reading, not the reader: who waits for it is told by the reply
/// that is dropped.
Historian::behavior_type historian(Historian::pointer) {
  return {[](const std::shared_ptr<const std::function<void()>>& task) {
    try {
      (*task)();
    } catch (const std::exception& failed) {
      spdlog::error("reading failed: {}", failed.what());
    }
  }};
}

template <class D>
ToDomain to_domain(const Aggregate<D>& handle) {
  return [handle](const LeadPtr& lead) { caf::anon_send(handle, lead_atom::value, lead); };
}

}  // namespace

struct System::Impl {
  Impl(log::Disk& d, const Keys& k, SystemOptions o)
    : disk(d),
      keys(k),
      options(std::move(o)),
      chain(d),
      kept(d, k.fingerprint, options.idempotency_ttl),
      config(options.threads),
      actors(std::make_unique<caf::actor_system>(config)) {}

  template <class D>
  void send(const Aggregate<D>& to, AskPtr<D> ask) {
    if (auto* burst = Burst::current()) return burst->add(to, std::move(ask));
    caf::anon_send(to, std::make_shared<const std::vector<AskPtr<D>>>(1, std::move(ask)));
  }

  template <class D>
  void ask(const Aggregate<D>& to, typename D::Command command, Origin origin, Answer answer) {
    auto asked = std::make_shared<Ask<D>>();
    asked->command = std::move(command);
    asked->origin = std::move(origin);
    asked->answer = std::move(answer);
    send(to, AskPtr<D>{std::move(asked)});
  }

  AggregateDeps deps_for(size_t domain) {
    return {log, domain, flights[domain], options.now, &kept, {gauges, &gauges->writable}};
  }

  void spawn(const World& start);
  void spawn_domains();
  void start_member(bool first);
  void cache(uint64_t seq, std::shared_ptr<const ViewSet> views);

  log::Disk& disk;
  const Keys& keys;
  SystemOptions options;
  log::ChainReader chain;
  KeptReplies kept;
  ActorConfig config;
  std::unique_ptr<caf::actor_system> actors;

  std::shared_ptr<Published> published = std::make_shared<Published>();
  std::shared_ptr<LogGauges> gauges = std::make_shared<LogGauges>();
  std::shared_ptr<Beats> beats = std::make_shared<Beats>();
  std::vector<std::shared_ptr<Flight>> flights;
  std::atomic<uint64_t> checkpoints_failed{0};
  std::atomic<bool> started{false};

  Log log;
  Projector projector;
  Checkpointer checkpointer;
  Historian historian_actor;
  Aggregate<ClusterDomain> cluster;
  Aggregate<NodesDomain> nodes;
  Aggregate<LeaseDomain> lease;
  Aggregate<ClaimsDomain> claims;
  Aggregate<TokensDomain> tokens;
  Aggregate<SecretsDomain> secrets;
  Aggregate<PlansDomain> plans;
  Aggregate<BootstrapDomain> bootstrap;
  /// The domains' handles for whoever was spawned before them; filled by spawn_domains, emptied by stop.
  struct Domains {
    std::mutex mutex;
    std::vector<ToDomain> lead;
    std::vector<std::function<void()>> unlead;
  };
  std::shared_ptr<Domains> domains = std::make_shared<Domains>();

  std::list<std::pair<uint64_t, std::shared_ptr<const ViewSet>>> past;  // Of the historian's thread.
  bool stopped = false;
};

void System::Impl::spawn(const World& start) {
  published->store(std::make_shared<const ViewSet>(start.set));
  for (size_t i = 0; i < std::tuple_size_v<States>; i++) {
    flights.push_back(std::make_shared<Flight>());
    flights.back()->committed_seq = start.set.seq;
  }
  auto& system = *actors;
  historian_actor = system.spawn<caf::detached>(historian);
  checkpointer = system.spawn<caf::detached>(
    actors::checkpointer,
    CheckpointerDeps{&disk, &keys, options.node,
                     [this](cluster::Checkpointed made) {
                       ask(cluster, cluster::Command{cluster::Checkpoint{std::move(made)}}, {}, {});
                     },
                     [this](const Error&) { checkpoints_failed++; }});
  ProjectorDeps folding;
  folding.start = start;
  folding.published = published;
  for (size_t i = 0; i < flights.size(); i++)
    folding.domains.push_back([to = domains, i](const LeadPtr& lead) {
      const std::lock_guard lock{to->mutex};
      if (i < to->lead.size()) to->lead[i](lead);
    });
  folding.node = options.node;
  folding.begun = [this] {
    started = true;
    if (options.on_leading) options.on_leading();
  };
  folding.checkpointer = checkpointer;
  folding.checkpoint_every = options.checkpoint_every;
  folding.on_lines = [this](const CommittedPtr& committed) {
    if (options.on_lines) options.on_lines(committed->records, committed->lines);
  };
  projector = system.spawn(actors::projector, std::move(folding));

  LogDeps writing;
  writing.disk = &disk;
  writing.projector = projector;
  writing.flights = flights;
  writing.unlead = [this, to = domains] {
    started = false;
    const std::lock_guard lock{to->mutex};
    for (const auto& unlead : to->unlead) unlead();
  };
  writing.gauges = gauges;
  writing.now = options.now;
  writing.node = options.node;
  writing.start_epoch = start.set.epoch;
  writing.start_time = start.set.time;
  writing.broken = [this](const Error& why) {
    if (options.on_disk) options.on_disk(why);
  };
  log = system.spawn<caf::detached>(log_actor, std::move(writing));
  spawn_domains();
}

void System::Impl::spawn_domains() {
  auto& system = *actors;
  size_t index = 0;
  const auto add = [&](const auto& handle) {
    domains->lead.push_back(to_domain(handle));
    domains->unlead.push_back([handle] { caf::anon_send(handle, unlead_atom::value); });
    index++;
  };
  cluster = system.spawn(aggregate<ClusterDomain>, deps_for(index));
  domains->lead.push_back([this, handle = cluster](const LeadPtr& lead) {
    caf::anon_send(handle, lead_atom::value, lead);
    if (lead->undone.empty()) start_member(!started);
  });
  domains->unlead.push_back([handle = cluster] { caf::anon_send(handle, unlead_atom::value); });
  index++;
  nodes = system.spawn(
    registry, RegistryDeps{deps_for(index), options.node_ttl, beats, [this](const nodes::Command& heard) {
                             if (options.on_heard) options.on_heard(heard);
                           }});
  add(nodes);
  lease = system.spawn(lease_actor, LeaseDeps{deps_for(index), options.leader_ttl, beats});
  add(lease);
  claims = system.spawn(sweeping<ClaimsDomain, claims::Sweep>, deps_for(index));
  add(claims);
  tokens = system.spawn(aggregate<TokensDomain>, deps_for(index));
  add(tokens);
  secrets = system.spawn(sweeping<SecretsDomain, secrets::Sweep>, deps_for(index));
  add(secrets);
  plans = system.spawn(aggregate<PlansDomain>, deps_for(index));
  add(plans);
  bootstrap = system.spawn(aggregate<BootstrapDomain>, deps_for(index));
  add(bootstrap);
}

/// Each time leadership begins, the member says so in the log; the other domains begin when that is folded.
void System::Impl::start_member(bool first) {
  cluster::Start start;
  start.cluster = random_hex(16);
  start.member = {options.node, options.version, options.feature_level, to_hex(keys.sign_public)};
  if (first) start.restored_from = std::exchange(options.restored_from, "");
  start.restored_seq = published->load()->seq;
  ask(cluster, cluster::Command{std::move(start)}, {}, {});
}

void System::Impl::cache(uint64_t seq, std::shared_ptr<const ViewSet> views) {
  past.emplace_front(seq, std::move(views));
  if (past.size() > kPastViews) past.pop_back();
}

System::System() = default;

Result<std::unique_ptr<System>> System::make(log::Disk& disk, const Keys& keys, SystemOptions options) {
  const auto head = log::read_head(disk);
  auto world = world_at(disk, head.seq);
  if (!world) return world.error();
  if (world->set.head != head.hash)
    return Error{"log.corrupt", "the lines do not lead to the head that the store names", {}};
  if (auto status = check_feature_level(*world, options.feature_level); !status) return status.error();
  std::unique_ptr<System> system{new System};
  system->impl_ = std::make_unique<Impl>(disk, keys, std::move(options));
  system->impl_->spawn(*world);
  return system;
}

System::~System() {
  if (impl_) stop();
}

void System::open() {
  caf::anon_send(impl_->log, open_atom::value);
}

bool System::ready() const {
  return impl_->started && impl_->gauges->leading;
}

void System::ask(cluster::Command c, Origin o, Answer a) {
  impl_->ask(impl_->cluster, std::move(c), std::move(o), std::move(a));
}
void System::ask(nodes::Command c, Origin o, Answer a) {
  impl_->ask(impl_->nodes, std::move(c), std::move(o), std::move(a));
}
void System::ask(lease::Command c, Origin o, Answer a) {
  impl_->ask(impl_->lease, std::move(c), std::move(o), std::move(a));
}
void System::ask(claims::Command c, Origin o, Answer a) {
  impl_->ask(impl_->claims, std::move(c), std::move(o), std::move(a));
}
void System::ask(tokens::Command c, Origin o, Answer a) {
  impl_->ask(impl_->tokens, std::move(c), std::move(o), std::move(a));
}
void System::ask(secrets::Command c, Origin o, Answer a) {
  impl_->ask(impl_->secrets, std::move(c), std::move(o), std::move(a));
}
void System::ask(plans::Command c, Origin o, Answer a) {
  impl_->ask(impl_->plans, std::move(c), std::move(o), std::move(a));
}
void System::ask(bootstrap::Command c, Origin o, Answer a) {
  impl_->ask(impl_->bootstrap, std::move(c), std::move(o), std::move(a));
}

void System::gather_asks() {
  Burst::current() = &Burst::own();
}
void System::send_asks() {
  Burst::own().send();
}

void System::ask_reading(std::function<Fresh<PlansDomain>()> read, Origin origin, Answer answer) {
  auto asked = std::make_shared<Ask<PlansDomain>>();
  auto first = read();
  asked->command = std::move(first.command);
  asked->expects = std::move(first.expects);
  asked->origin = std::move(origin);
  asked->answer = std::move(answer);
  asked->refresh = [read = std::move(read)] {
    auto again = read();
    return Reading<PlansDomain>{std::move(again.command), std::move(again.expects)};
  };
  impl_->send(impl_->plans, AskPtr<PlansDomain>{std::move(asked)});
}

std::shared_ptr<const ViewSet> System::views() const {
  return impl_->published->load();
}
std::shared_ptr<const Beats::Map> System::beats() const {
  return impl_->beats->load();
}
const log::ChainReader& System::chain() const {
  return impl_->chain;
}
log::Disk& System::disk() const {
  return impl_->disk;
}
const Keys& System::keys() const {
  return impl_->keys;
}
const SystemOptions& System::options() const {
  return impl_->options;
}

SystemGauges System::gauges() const {
  const auto& g = *impl_->gauges;
  return {g.leading,
          g.writable,
          g.term,
          g.index,
          g.seq,
          g.epoch,
          g.entries,
          g.events,
          g.commit_ns,
          g.pending,
          impl_->checkpoints_failed};
}

void System::read_slowly(std::function<void()> task) {
  caf::anon_send(impl_->historian_actor, std::make_shared<const std::function<void()>>(std::move(task)));
}

void System::views_at(uint64_t seq, std::function<void(Result<std::shared_ptr<const ViewSet>>)> then) {
  read_slowly([this, seq, then = std::move(then)] {
    for (const auto& [at, views] : impl_->past)
      if (at == seq) return then(views);
    auto set = muster::views_at(impl_->disk, seq);
    if (!set) return then(set.error());
    auto views = std::make_shared<const ViewSet>(std::move(*set));
    impl_->cache(seq, views);
    then(std::move(views));
  });
}

void System::live_world(std::function<void(const World&)> then) {
  using Task = std::function<void()>;
  auto show = [then = std::move(then),
               to = impl_->historian_actor](const std::shared_ptr<const World>& world) {
    caf::anon_send(to, std::make_shared<const Task>([then, world] { then(*world); }));
  };
  caf::anon_send(impl_->projector, std::make_shared<const ShowWorld>(std::move(show)));
}

void System::checkpoint(std::function<void(Result<uint64_t>)> then) {
  read_slowly([this, then = std::move(then)] {
    const auto head = log::read_head(impl_->disk);
    auto world = world_at(impl_->disk, head.seq);
    if (!world) return then(world.error());
    caf::anon_send(impl_->checkpointer, std::make_shared<const World>(std::move(*world)));
    then(head.seq);
  });
}

void System::step_down() {
  caf::anon_send(impl_->log, stepdown_atom::value);
}

void System::stop(Millis patience) {
  auto& impl = *impl_;
  if (std::exchange(impl.stopped, true)) return;
  if (ready()) {
    auto told = std::make_shared<std::promise<void>>();
    auto done = told->get_future();
    ask(cluster::Command{cluster::Stop{impl.options.node}}, {},
        Answer{[told](const Result<Receipt>&) { told->set_value(); }});
    (void)done.wait_for(patience);
  }
  {
    caf::scoped_actor self{*impl.actors};
    self->request(impl.log, patience, close_atom::value).receive([](bool) {}, [](caf::error&) {});
  }
  {
    const std::lock_guard lock{impl.domains->mutex};
    impl.domains->lead.clear();
    impl.domains->unlead.clear();
  }
  const auto exit = [](auto& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
  };
  exit(impl.bootstrap);
  exit(impl.plans);
  exit(impl.secrets);
  exit(impl.tokens);
  exit(impl.claims);
  exit(impl.lease);
  exit(impl.nodes);
  exit(impl.cluster);
  exit(impl.log);
  exit(impl.projector);
  exit(impl.checkpointer);
  exit(impl.historian_actor);
  impl.actors->await_all_actors_done();
  impl.actors.reset();
}

}  // namespace muster
