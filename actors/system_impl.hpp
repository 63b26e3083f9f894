// The inside of a System: its actors and what they share. Included only by system*.cpp.
#pragma once

#include <list>
#include <mutex>

#include "actors/aggregate.hpp"
#include "actors/burst.hpp"
#include "actors/kept_replies.hpp"
#include "actors/log.hpp"
#include "actors/projector.hpp"
#include "actors/system.hpp"

namespace muster {

using namespace actors;

struct System::Impl {
  Impl(log::Disk& d, const Keys& k, SystemOptions o)
    : disk(d),
      keys(k),
      options(std::move(o)),
      chain(d),
      kept(d, options.reply_secret.empty() ? k.fingerprint : options.reply_secret, options.idempotency_ttl,
           options.counts),
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
    return {[to = log](AppendsPtr appends) { caf::anon_send(to, std::move(appends)); },
            domain,
            flights[domain],
            options.now,
            &kept,
            {gauges, &gauges->writable},
            {},
            Proof::needed};
  }

  /// Runs `task` on the log's thread.
  void on_log(std::function<void(Keeper&)> task) {
    caf::anon_send(log, std::make_shared<const std::function<void(Keeper&)>>(std::move(task)));
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
  Discoverer discoverer;  // Nobody, without SystemOptions::discover.
  Aggregate<ClusterDomain> cluster;
  Aggregate<NodesDomain> nodes;
  Aggregate<LeaseDomain> lease;
  Aggregate<ClaimsDomain> claims;
  Aggregate<TokensDomain> tokens;
  Aggregate<SecretsDomain> secrets;
  Aggregate<PlansDomain> plans;
  Aggregate<BootstrapDomain> bootstrap;
  Aggregate<ServicesDomain> services;
  Aggregate<RunsDomain> runs;
  Aggregate<SourcesDomain> sources;
  /// The domains' handles for whoever was spawned before them; filled by spawn_domains, emptied by stop.
  struct Domains {
    std::mutex mutex;
    std::vector<ToDomain> all;  ///< In the order of States.
  };
  std::shared_ptr<Domains> domains = std::make_shared<Domains>();

  std::list<std::pair<uint64_t, std::shared_ptr<const ViewSet>>> past;  // Of the historian's thread.
  bool stopped = false;
};

}  // namespace muster
