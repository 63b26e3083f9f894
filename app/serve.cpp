// Wiring a node together.
#include "app/serve.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <iostream>

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "actors/system.hpp"
#include "actors/world.hpp"
#include "adapters/fact_stores.hpp"
#include "adapters/keys.hpp"
#include "app/audit_sink.hpp"
#include "app/cluster/addresses.hpp"
#include "app/cluster/bareness.hpp"
#include "app/cluster/cluster_side.hpp"
#include "app/config/bind.hpp"
#include "app/data_folder.hpp"
#include "app/event_bus.hpp"
#include "app/jobs/node_jobs.hpp"
#include "app/jobs/source_worker.hpp"
#include "app/jwt_checks.hpp"
#include "app/logging.hpp"
#include "app/node/environment_side.hpp"
#include "app/node/node_side.hpp"
#include "app/outbox.hpp"
#include "app/plan_files.hpp"
#include "app/secret_sweep.hpp"
#include "app/serve_options.hpp"
#include "app/serving.hpp"
#include "base/error_catalog.hpp"
#include "base/hash.hpp"
#include "base/percent.hpp"
#include "events/log/rocks_disk.hpp"
#include "http/api.hpp"

namespace muster::app {
namespace {

int fail(const Error& error) {
  const auto& kind = error_kind(error.code);
  std::cerr << "muster: " << error.detail << "\n        " << kind.remedy << "\n";
  return kind.exit;
}

/// Everything that lives as long as the node serves, in the order in which it is made.
struct Node {
  std::unique_ptr<log::Disk> disk;
  Keys keys;
  std::unique_ptr<JwtChecks> jwt;
  Buses buses;
  std::unique_ptr<ClusterSide> cluster;  ///< Nothing with --alone.
  std::unique_ptr<System> system;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<EnvironmentSide> environment;
  std::unique_ptr<SecretSweep> secrets;
  std::unique_ptr<JobDesk> jobs;
  std::unique_ptr<http::Api> api;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<SourceWorker> sources;
  std::unique_ptr<PlanFiles> files;
  std::unique_ptr<NodeSide> side;
  Serving serving;
  std::atomic<NodeSide*> told{nullptr};  ///< Who is told that plans may be other ones,
  std::atomic<JobDesk*> runs{nullptr};   ///< and who that runs may be,
  std::atomic<Outbox*> tells{nullptr};   ///< and who tells the bus.
};

struct Identity {
  std::string id, data;
  std::string token;  ///< By which its own side asks.
};

/// What its profile says is made here, too.
Status start_environment(Node& node, const config::Config& config, const std::string& id,
                         const std::string& data, bool json_log) {
  auto made = EnvironmentSide::start(
    config, {id, data, node.disk.get(), node.buses.own, node.buses.rabbit, json_log, [&node] {
               if (auto* side = node.told.load()) side->reports_wait();
             }});
  if (!made) return made.error();
  node.environment = std::move(*made);
  node.api->set_environment(&node.environment->environment());
  return Done{};
}

/// The node itself is a node like any other: it asks over HTTP, here.
Status start_own_side(Node& node, const config::Config& config, const Identity& self,
                      const config::Bind& near) {
  if (!config.flag("node-side")) return Done{};
  NodeSideOptions options;
  options.node = self.id;
  options.version = MUSTER_VERSION;
  options.state = self.data;
  options.urls = [urls = std::vector{url_of(near)}] { return urls; };
  options.insecure = !near.listen.tls_cert.empty();  // By an address that the certificate need not name.
  options.credentials = {{"Authorization", "Bearer " + self.token}};
  options.facts = make_disk_facts(*node.disk);
  options.reports = &node.environment->reports();
  options.on_profile = std::bind_front(&EnvironmentSide::take_profile, node.environment.get());
  auto side = NodeSide::start(config, std::move(options));
  if (!side) return side.error();
  node.side = std::move(*side);
  node.told = node.side.get();
  node.side->reports_wait();  // What was looked at before it could be told.
  return Done{};
}

/// The effect of a committed compaction; done again at the start when it was cut short.
void drop_lines(Node& node, uint64_t to) {
  node.system->read_slowly([&node, to] {
    if (auto status = drop_covered_lines(*node.disk, to); !status)
      spdlog::warn("compact to={} error={}", to, status.error().detail);
  });
}

SystemOptions system_options(Node& node, const config::Config& config, std::string id,
                             const std::string& data) {
  SystemOptions options;
  options.node = std::move(id);
  options.version = MUSTER_VERSION;
  options.feature_level += MUSTER_LEVELS_AHEAD;  // 0; more in a build that stands for a later version.
  options.node_ttl = config.duration("stale-ttl");
  options.leader_ttl = config.duration("leader-ttl");
  options.idempotency_ttl = config.duration("idempotency-ttl");
  const auto whole = [&](const char* name) { return static_cast<uint64_t>(config.number(name)); };
  options.checkpoint_every = whole("checkpoint-every");
  options.run_limits = {whole("max-runs-per-node"), whole("max-runs-per-job"), whole("max-queued-runs")};
  if (const auto restored = read_file(data + "/restored", 256))
    options.restored_from = restored->substr(0, 64);
  options.on_lines = [&node, sink = config.text("audit-sink"), mark = data + "/restored"](
                       const std::vector<Record>& records, const std::vector<log::Line>& lines) {
    if (node.api) node.api->on_lines(records, lines);
    if (node.cluster) node.cluster->on_records(records);
    if (node.secrets) node.secrets->on_records(records);
    if (auto* outbox = node.tells.load()) outbox->wake();
    auto* const jobs = node.runs.load();
    if (jobs && std::any_of(records.begin(), records.end(), is_about_runs)) jobs->side().changed();
    for (const auto& record : records) {
      export_head(sink, record);
      if (auto* side = node.told.load(); side && may_change_plans(record)) side->notify();
      if (const auto* added = std::get_if<sources::Added>(&record.event); jobs && added)
        node.sources->bring(added->name);
      if (std::holds_alternative<cluster::Restored>(record.event)) ::unlink(mark.c_str());
      if (const auto* dropped = std::get_if<cluster::Compacted>(&record.event)) drop_lines(node, dropped->to);
    }
  };
  options.on_leading = [&node] {
    if (node.files) node.files->read_again();
  };
  options.on_heard = [&node](const nodes::Command& command) {
    if (auto* outbox = node.tells.load()) outbox->heard(command, system_now());
  };
  options.on_disk = [](const Error& why) {
    if (why.code.empty())
      spdlog::info("log writable again");
    else
      spdlog::error("log code={} error={}", why.code, why.detail);
    if (why.code == "log.diverged") ::kill(::getpid(), SIGTERM);  // It has no part in this cluster.
  };
  return options;
}

/// Where the node may listen depends on whether there are tokens, which the log knows.
Result<config::Bind> bind_of(const config::Config& config, const log::Disk& disk) {
  auto bind = config::resolve_bind(config, false);
  if (bind && (bind->notice.empty() || config.flag("dev"))) return bind;
  const auto views = views_at(disk, log::read_head(disk).seq);
  if (!views) return bind;
  return config::resolve_bind(config, !view<tokens::View>(*views).by_hash.empty());
}

/// Finds or founds the cluster, unless the node is to stay alone.
Status join_cluster(Node& node, const config::Config& config, const std::string& data,
                    const config::Bind& bind, SystemOptions& options, const std::function<bool()>& stopped) {
  if (config.flag("alone")) return Done{};
  ClusterSideOptions side;
  side.config = &config;
  side.data = data;
  side.node = options.node;
  side.version = MUSTER_VERSION;
  side.public_key = to_hex(node.keys.sign_public);
  side.bind = bind;
  side.url = config.text("control-plane-url").empty() ? url_of(bind) : config.text("control-plane-url");
  auto cluster = ClusterSide::make(std::move(side));
  if (!cluster) return cluster.error();
  node.cluster = std::move(*cluster);
  node.cluster->on_end = [] { ::kill(::getpid(), SIGUSR1); };
  return node.cluster->settle(*node.disk, options, stopped);
}

/// The thread that fetches sources, and the edge's way to it.
void start_sources(Node& node, SourceSettings settings, http::ApiOptions& options) {
  settings.image_read = [&node](const Status& outcome, bool pull, Millis took) {
    if (node.api) node.api->run_metrics().image_read(outcome, pull, took);
  };
  settings.decided = [&node](std::vector<runs::PolicyDecided> policies) {
    Origin origin;
    origin.actor = "node:" + node.system->options().node;
    node.system->ask(runs::Command{runs::Judge{std::move(policies)}}, std::move(origin),
                     Answer{[](const Result<Receipt>& recorded) {
                       if (!recorded)
                         spdlog::warn("policy decisions not recorded: {}", recorded.error().detail);
                     }});
  };
  node.sources = std::make_unique<SourceWorker>(
    std::move(settings),
    [&node](const std::string& name) {
      const auto views = node.system->views();
      const auto* found = view<sources::View>(*views).sources.find(name);
      return found ? std::optional{**found} : std::nullopt;
    },
    [&node](const sources::Added& of, const sources::Pinned& pin) {
      http::Api::InsideRequest request;
      request.path = "/v1/sources/" + percent_encoded(of.name) + "/pin";
      request.body = Json{{"ref", of.ref}, {"resolved_ref", pin.resolved_ref}, {"digest", pin.digest}}.dump();
      node.api->ask_inside(std::move(request), [name = of.name](const http::Response& said) {
        if (said.status != 200) spdlog::warn("source={} not pinned: {}", name, said.body);
      });
    });
  options.add_source = [&node](jobs::Source source, SourceWorker::Then then) {
    node.sources->add(std::move(source), std::move(then));
  };
}

/// Who may ask this node, and where it listens.
Result<config::Bind> start_edge(Node& node, const config::Config& config, http::ApiOptions& options) {
  auto key = config::api_key(config);
  if (!key) return key.error();
  options.auth.api_key = std::move(*key);
  auto jwt = JwtChecks::start(config);
  if (!jwt) return jwt.error();
  node.jwt = std::move(*jwt);
  options.auth.jwt = node.jwt->check();
  auto bind = bind_of(config, *node.disk);
  if (!bind) return bind;
  options.metrics_open = bind->loopback;
  options.auth.beyond_loopback = !bind->loopback;
  if (!bind->notice.empty()) spdlog::info("{}", bind->notice);
  return bind;
}

/// All parts are there: it leads or follows, answers, and runs what is its own.
Status go(Node& node, const config::Config& config, const Identity& self, const config::Bind& bind) {
  node.system->open();
  if (const auto to = view<cluster::View>(*node.system->views()).log.compacted_to;
      to >= node.system->chain().oldest())
    if (to > 0) drop_lines(node, to);
  if (auto status = node.server->start(); !status) return status;
  if (node.jobs) node.jobs->start();
  node.runs = node.jobs.get();
  view<sources::View>(*node.system->views()).sources.each([&](const std::string& name, const auto&) {
    node.sources->bring(name);
  });
  auto near = bind;  // For this machine: an address that listens to all listens here, too.
  near.listen.port = node.server->port();
  if (near.listen.host.empty() || near.listen.host == "0.0.0.0") near.listen.host = "127.0.0.1";
  if (near.listen.host == "::") near.listen.host = "::1";
  if (auto status = start_own_side(node, config, self, near); !status) return status;
  if (auto told = node.serving.begin(self.data, {url_of(near), config.text("scripts-root")}); !told)
    spdlog::warn("command lines here do not find this node: {}", told.error().detail);
  spdlog::info("serving url={} node={} data={}", url_of(bind), self.id, self.data);
  return Done{};
}

Status start(Node& node, const config::Config& config, const std::string& data, bool json_log,
             const std::function<bool()>& stopped) {
  if (auto there = check_containers(config); !there) return there;
  auto id = node_id(config, data);
  if (!id) return id.error();
  auto keys = load_or_make_keys(data + "/keys");
  if (!keys) return keys.error();
  node.keys = std::move(*keys);
  auto disk = log::open_rocks_disk(data + "/log", log::Access::read_write);
  if (!disk) return disk.error();
  node.disk = std::move(*disk);
  auto options = api_options(config, data);
  options.json_log = json_log;
  options.also_ready = [&node] {
    if (node.cluster && node.cluster->owes_first_token(*node.system)) return false;
    return node.files && (node.files->loaded() || !node.system->gauges().leading);
  };
  const auto token = random_hex(32);
  if (config.flag("node-side")) options.auth.own_token = token;
  options.auth.node = *id;
  options.services = services_folder(data);
  auto policy = node_policy(config, config::process_environment());
  if (!policy) return policy.error();
  options.security_profile = jobs::to_text(policy->profile);
  start_sources(node, source_settings(config, data, *id, *policy), options);
  auto bind = start_edge(node, config, options);
  if (!bind) return bind.error();
  auto buses = open_buses(config, *node.disk);
  if (!buses) return buses.error();
  node.buses = std::move(*buses);
  auto inside = system_options(node, config, *id, data);
  if (auto joined = join_cluster(node, config, data, *bind, inside, stopped); !joined) return joined;
  auto system = System::make(*node.disk, node.keys, std::move(inside));
  if (!system) return system.error();
  node.system = std::move(*system);
  node.secrets = std::make_unique<SecretSweep>(*node.system);
  if (options.control_plane_url.empty()) options.control_plane_url = url_of(*bind);
  if (node.cluster) node.cluster->serve_through(options);
  if (node.buses.overlay.shared) options.outbox = node.buses.overlay.name;
  node.api = std::make_unique<http::Api>(*node.system, std::move(options));
  node.server = std::make_unique<http::Server>(*node.api, bind->listen, config::http_limits(config));
  node.api->serve_behind(*node.server);
  NodeJobsParts parts{
    *id, data, node.disk.get(), node.system.get(), node.api.get(), node.server.get(), node.sources.get()};
  node.jobs = make_node_jobs(config, std::move(*policy), parts);
  node.api->set_jobs(node.jobs.get());
  if (auto status = start_environment(node, config, *id, data, json_log); !status) return status;
  node.outbox = make_outbox(node.buses.overlay, *node.system, config.text("event-prefix"),
                            [&node] { node.environment->broker_awaited(); });
  node.tells = node.outbox.get();
  node.files = std::make_unique<PlanFiles>(*node.system, plans_folder(config), config.text("profile"),
                                           data + "/plan_files.json");
  if (node.cluster)
    node.cluster->attach(*node.system, [&node](std::string request, std::function<void(std::string)> answer) {
      node.api->handle_forwarded(std::move(request), std::move(answer));
    });
  return go(node, config, {*id, data, token}, *bind);
}

/// In this order nothing is asked of what is gone already.
void stop(Node& node) {
  node.serving.end();
  node.told = nullptr;
  node.runs = nullptr;
  if (node.jobs) node.jobs->stop();  // Its scripts go on.
  if (node.side) node.side->stop();  // Its services go on.
  if (node.files) node.files->stop();
  if (node.sources) node.sources->stop();  // What it fetches is cut short, and answered.
  if (node.cluster && node.system) node.cluster->leave_office(*node.system);
  if (node.server) node.server->stop();
  if (node.outbox) node.outbox->stop();  // It asks the log. What commits may still wake it.
  if (node.system) node.system->stop();
  if (node.cluster) node.cluster->detach();
  node.environment.reset();
  node.server.reset();
  node.api.reset();
  node.files.reset();
  node.system.reset();
  node.tells = nullptr;
  node.outbox.reset();
  node.buses = {};  // The own one keeps what it holds on the disk.
  node.side.reset();
  node.jobs.reset();
  node.cluster.reset();
}

}  // namespace

int serve(const config::Config& config) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  // Before any thread, the log's own too: all of them inherit it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const bool json_log = set_up_log(config);
  const auto stopped = [] {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
  };
  auto data = make_data_folder(config);
  if (!data) return fail(data.error());
  Status status = Done{};
  for (bool again = true; std::exchange(again, false);) {
    Node node;
    status = start(node, config, *data, json_log, stopped);
    spdlog::default_logger()->flush();
    int signal = 0;
    while (status && sigwait(&signals, &signal) == 0 && signal == SIGUSR1) {
      if (node.cluster && node.cluster->left()) break;
      if (node.cluster && !node.cluster->removed().empty())
        status = Error{"member.removed", node.cluster->removed(), {}};
      else if ((again = node.cluster && node.cluster->gives_way() && node.cluster->confirm_giving_way()))
        break;
    }
    if (status) spdlog::info("stopping signal={}", signal);
    stop(node);
    // What came while it was asked and stopped would be missed.
    const bool bare = again && holds_only_bootstrap(*node.disk);
    if (again && !bare) spdlog::info("something was written meanwhile: nothing is given up");
    node.disk.reset();
    if (bare) give_up_log(*data);
  }
  if (!status && stopped()) status = Done{};  // Asked to stop while it searched.
  spdlog::default_logger()->flush();
  spdlog::shutdown();
  return status ? 0 : fail(status.error());
}

}  // namespace muster::app
