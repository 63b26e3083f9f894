// Wiring the actors together, and stopping them in order.
#include <future>

#include <spdlog/spdlog.h>

#include "actors/checkpointer.hpp"
#include "actors/lease.hpp"
#include "actors/loud.hpp"
#include "actors/nodes.hpp"
#include "actors/recovering.hpp"
#include "actors/runs.hpp"
#include "actors/sweeping.hpp"
#include "actors/system_impl.hpp"

namespace muster {
namespace {

Discoverer::behavior_type discovering(Discoverer::pointer self, std::function<void()> discover) {
  end_loudly(self, "discovery");
  return {[discover = std::move(discover)](tick_atom) { discover(); }};
}

/// A disk that does not give its bytes ends a reading, not the reader: who waits for it is told by the reply
/// that is dropped. `name` is for the log; CAF 0.17.6 reads a null pointer where a function takes nothing but
/// itself.
Historian::behavior_type historian(Historian::pointer, const std::string& name) {
  return {[name](const std::shared_ptr<const std::function<void()>>& task) {
    try {
      (*task)();
    } catch (const std::exception& failed) {
      spdlog::error("{}: reading failed: {}", name, failed.what());
    }
  }};
}

template <class D>
ToDomain to_domain(const Aggregate<D>& handle) {
  return [handle](const LeadPtr& lead) {
    if (lead)
      caf::anon_send(handle, lead_atom::value, lead);
    else
      caf::anon_send(handle, unlead_atom::value);
  };
}

KeeperOptions keeping_of(const SystemOptions& options, const ViewSet& start) {
  KeeperOptions keeping;
  keeping.node = options.node;
  keeping.self = options.self;
  keeping.address = options.address;
  keeping.found = options.found;
  keeping.timing = options.timing;
  keeping.counts = options.counts;
  keeping.start_epoch = start.epoch;
  keeping.start_time = start.time;
  return keeping;
}

}  // namespace

void System::Impl::spawn(const World& start) {
  published->store(std::make_shared<const ViewSet>(start.set));
  for (size_t i = 0; i < std::tuple_size_v<States>; i++) {
    flights.push_back(std::make_shared<Flight>());
    flights.back()->committed_seq = start.set.seq;
  }
  auto& system = *actors;
  historian_actor = system.spawn<caf::detached>(historian, std::string{"historian"});
  if (options.discover) discoverer = system.spawn<caf::detached>(discovering, options.discover);
  checkpointer = system.spawn<caf::detached>(
    actors::checkpointer,
    CheckpointerDeps{&disk, &keys, options.node,
                     [this](cluster::Checkpointed made) {
                       ask(cluster, cluster::Command{cluster::Checkpoint{std::move(made)}}, {}, {});
                     },
                     [this](const Error&) { checkpoints_failed++; }});
  FoldingDeps folding;
  folding.disk = &disk;
  folding.start = start;
  folding.published = published;
  for (size_t i = 0; i < flights.size(); i++)
    folding.domains.push_back([to = domains, i](const LeadPtr& lead) {
      const std::lock_guard lock{to->mutex};
      if (i < to->all.size()) to->all[i](lead);
    });
  folding.node = options.node;
  folding.begun = [this] {
    started = true;
    if (options.on_leading) options.on_leading();
  };
  folding.ended = [this] { started = false; };
  folding.checkpoint = [to = checkpointer](std::shared_ptr<const World> world) {
    caf::anon_send(to, std::move(world));
  };
  folding.checkpoint_every = options.checkpoint_every;
  folding.on_lines = [this](const CommittedPtr& committed) {
    if (options.on_lines) options.on_lines(committed->records, committed->lines);
  };
  projector = system.spawn(actors::projector, std::move(folding));

  LogDeps writing;
  writing.disk = &disk;
  writing.projector = projector;
  writing.flights = flights;
  writing.gauges = gauges;
  writing.now = options.now;
  writing.keeping = keeping_of(options, start.set);
  writing.send = options.send;
  writing.ticked = options.ticked;
  writing.may_lead = options.may_lead;
  writing.knows_rows = options.knows_rows;
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
    domains->all.push_back(to_domain(handle));
    index++;
  };
  cluster = system.spawn(aggregate<ClusterDomain>, deps_for(index));
  domains->all.push_back([this, to = to_domain(cluster)](const LeadPtr& lead) {
    to(lead);
    if (lead && lead->undone.empty()) start_member(!started);
  });
  index++;
  nodes = system.spawn(
    registry, RegistryDeps{deps_for(index), options.node_ttl, beats, [this](const nodes::Command& heard) {
                             if (options.on_heard) options.on_heard(heard);
                           }});
  add(nodes);
  lease =
    system.spawn(lease_actor, LeaseDeps{deps_for(index), options.leader_ttl, beats, options.node,
                                        options.takes_lease ? options.url : std::string{},
                                        [to = published](const std::string& node) {
                                          return view<cluster::View>(*to->load()).members.contains(node);
                                        }});
  add(lease);
  claims = system.spawn(sweeping<ClaimsDomain, claims::Sweep>, deps_for(index));
  add(claims);
  tokens = system.spawn(aggregate<TokensDomain>, deps_for(index));
  add(tokens);
  secrets = system.spawn(sweeping<SecretsDomain, secrets::Sweep>, deps_for(index));
  add(secrets);
  auto for_plans = deps_for(index);
  for_plans.unchanged = Proof::not_needed;  // A plan that is as it was is asked for again and again.
  plans = system.spawn(aggregate<PlansDomain>, std::move(for_plans));
  add(plans);
  bootstrap = system.spawn(aggregate<BootstrapDomain>, deps_for(index));
  add(bootstrap);
  services = system.spawn(aggregate<ServicesDomain>, deps_for(index));
  add(services);
  runs = system.spawn(runs_actor, RunsDeps{deps_for(index), published, options.run_limits});
  add(runs);
  sources = system.spawn(aggregate<SourcesDomain>, deps_for(index));
  add(sources);
}

/// Each time leadership begins, the member says so in the log; the other domains begin when that is folded.
void System::Impl::start_member(bool first) {
  cluster::Start start;
  start.cluster = random_hex(16);
  start.member.member = options.node;
  start.member.version = options.version;
  start.member.feature_level = options.feature_level;
  start.member.public_key = to_hex(keys.sign_public);
  if (!options.key.empty()) {
    start.member.id = options.self;
    start.member.address = options.member_address;
    start.member.url = options.url;
    start.member.key = options.key;
    start.member.boot = options.boot;
  }
  if (first) start.restored_from = std::exchange(options.restored_from, "");
  start.restored_seq = published->load()->seq;
  start.recovered = actors::recovering(disk);
  if (start.recovered)
    start.recovered->seq = start.restored_seq;  // Entries from before may have become lines since.
  ask(cluster, cluster::Command{std::move(start)}, {}, {});
}

System::System() = default;

Result<std::unique_ptr<System>> System::make(log::Disk& disk, const Keys& keys, SystemOptions options) {
  auto world = world_to_start_from(disk);
  if (!world) return world.error();
  if (auto status = check_feature_level(*world, options.feature_level); !status) return status.error();
  std::unique_ptr<System> system{new System};
  system->impl_ = std::make_unique<Impl>(disk, keys, std::move(options));
  system->impl_->spawn(*world);
  return system;
}

System::~System() {
  if (impl_) stop();
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
    impl.domains->all.clear();
  }
  const auto exit = [](auto& handle) {
    if (!handle) return;
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
  };
  exit(impl.sources);
  exit(impl.runs);
  exit(impl.services);
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
  exit(impl.discoverer);
  impl.actors->await_all_actors_done();
  impl.actors.reset();
}

}  // namespace muster
