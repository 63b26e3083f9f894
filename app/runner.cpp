// Wiring a runner.
#include "app/runner.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>

#include <spdlog/spdlog.h>

#include "adapters/fact_stores.hpp"
#include "adapters/machine.hpp"
#include "app/event_bus.hpp"
#include "app/logging.hpp"
#include "app/node/environment_side.hpp"
#include "app/node/node_side.hpp"
#include "events/log/rocks_disk.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

constexpr Millis kTimeout{5'000};  // Of one call (supervisor contract, section 6).

/// RUNNER_NODE_ID, else what cluster.json says, else the host name.
Result<std::string> node_id(const config::Config& config, const std::string& discovery) {
  if (!config.text("runner-node-id").empty()) return config.text("runner-node-id");
  auto file = read_cluster_file(discovery);
  if (!file) return file.error();
  if (*file && !(*file)->node_id.empty()) return (*file)->node_id;
  return this_machine().host;
}

/// A token beats the key.
Result<HttpHeaders> credentials(const config::Config& config) {
  if (const auto& token = config.text("token"); !token.empty())
    return HttpHeaders{{"Authorization", "Bearer " + token}};
  auto key = config::api_key(config);
  if (!key) return key.error();
  return key->empty() ? HttpHeaders{} : HttpHeaders{{"X-API-Key", *key}};
}

Result<NodeSideOptions> options_of(const config::Config& config) {
  if (!config.given("server"))
    return Error{"usage",
                 "no control plane is named: set SUPERVISOR_URL (or --server), such as http://control:8070"};
  std::error_code error;
  const auto state = fs::absolute(config.text("runner-state-dir")).string();
  fs::create_directories(state, error);
  if (error) return Error{"internal", "cannot make " + state + ": " + error.message(), {}};
  const auto& discovery = config.text("discovery-data-dir");
  auto id = node_id(config, discovery.empty() ? state + "/discovery" : discovery);
  if (!id) return id.error();
  auto headers = credentials(config);
  if (!headers) return headers.error();
  auto facts = make_folder_facts(state + "/facts");
  if (!facts) return facts.error();
  NodeSideOptions options;
  options.node = std::move(*id);
  options.version = MUSTER_VERSION;
  options.state = state;
  options.urls = [url = config.text("server")] { return std::vector<std::string>{url}; };
  options.learns = true;
  options.credentials = std::move(*headers);
  options.ca_file = config.text("ca-cert");
  options.claim_token = config.text("claim-token");
  options.timeout = config.given("timeout") ? config.duration("timeout") : kTimeout;
  options.facts = std::move(*facts);
  return options;
}

/// Everything that lives as long as the runner, in the order in which it is made.
struct Parts {
  std::unique_ptr<log::Disk> disk;  ///< What its environment keeps.
  std::unique_ptr<EnvironmentSide> environment;
  std::unique_ptr<NodeSide> side;
  std::atomic<NodeSide*> told{nullptr};
};

/// As of a node that serves; but overlay events are told to a bus by the control plane.
Status start_environment(Parts& parts, const config::Config& config, const NodeSideOptions& node,
                         bool json_log) {
  auto disk = log::open_rocks_disk(node.state + "/environment", log::Access::read_write);
  if (!disk) return disk.error();
  parts.disk = std::move(*disk);
  auto bus = MemoryBus::open(*parts.disk, config.text("amqp-exchange"));
  if (!bus) return bus.error();
  auto rabbit = open_rabbit(config);
  if (!rabbit) return rabbit.error();
  auto made = EnvironmentSide::start(config, {node.node, node.state, parts.disk.get(), std::move(*bus),
                                              std::move(*rabbit), json_log, [&parts] {
                                                if (auto* side = parts.told.load()) side->reports_wait();
                                              }});
  if (!made) return made.error();
  parts.environment = std::move(*made);
  return Done{};
}

Status start(Parts& parts, const config::Config& config, NodeSideOptions options, bool json_log) {
  if (auto status = start_environment(parts, config, options, json_log); !status) return status;
  options.reports = &parts.environment->reports();
  options.on_profile = std::bind_front(&EnvironmentSide::take_profile, parts.environment.get());
  auto side = NodeSide::start(config, std::move(options));
  if (!side) return side.error();
  parts.side = std::move(*side);
  parts.told = parts.side.get();
  parts.side->reports_wait();  // What was looked at before it could be told.
  return Done{};
}

void stop(Parts& parts) {
  parts.told = nullptr;
  if (parts.side) parts.side->stop();
  parts.environment.reset();  // It looks no more; only then goes what it tells.
}

}  // namespace

Result<int> run_node(const config::Config& config) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  // Before any thread, the log's own too: all of them inherit it.
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  const bool json_log = set_up_log(config);
  auto options = options_of(config);
  if (!options) return options.error();
  spdlog::info("runner node={} control_plane={} state={}", options->node, config.text("server"),
               options->state);
  Parts parts;
  const auto status = start(parts, config, std::move(*options), json_log);
  spdlog::default_logger()->flush();
  int signal = 0;
  if (status) {
    sigwait(&stop_signals, &signal);
    spdlog::info("stopping signal={}: services go on", signal);
  }
  stop(parts);
  spdlog::shutdown();
  return status ? Result<int>{0} : status.error();
}

}  // namespace muster::app
