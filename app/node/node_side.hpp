// A node's own side: its conversation with the control plane, and its services, beside each other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/http_client.hpp"
#include "adapters/ports/fact_store.hpp"
#include "app/config/config.hpp"
#include "app/node/node_services.hpp"
#include "app/node/node_session.hpp"

namespace muster::app {

struct NodeSideOptions {
  std::string node, version;
  std::string state;  ///< Folder of everything it keeps; absolute.
  std::function<std::vector<std::string>()> urls;
  bool learns = false;  ///< As NodeSessionOptions.
  HttpHeaders credentials;
  std::string ca_file, claim_token;
  bool insecure = false;  ///< Takes any certificate: only for calling itself.
  Millis timeout{5'000};
  std::unique_ptr<FactStore> facts;
  /// A profile to keep; `looked` is called when all of it was looked at for the first time. On any thread.
  std::function<void(const std::string& profile, std::function<void()> looked)> on_profile{};
  ReportBox* reports = nullptr;  ///< As NodeSessionOptions.
};

class NodeSide {
public:
  /// The rest is configured: role-hint, labels, executor, discovery-data-dir, poll-every, service-grace,
  /// service-backoff. Error: `config.invalid`, `internal`.
  static Result<std::unique_ptr<NodeSide>> start(const config::Config& config, NodeSideOptions options);
  ~NodeSide();  ///< Stops.
  NodeSide(const NodeSide&) = delete;
  NodeSide& operator=(const NodeSide&) = delete;

  // Any thread.

  /// The plan may be another one now.
  void notify();
  /// There is something to tell of the environment.
  void reports_wait();
  /// Services go on.
  void stop();

private:
  NodeSide() = default;
  std::unique_ptr<FactStore> facts_;
  std::unique_ptr<NodeServices> services_;
  std::unique_ptr<NodeSession> session_;
};

/// Where the services' folders are, under a node's state.
[[nodiscard]] std::string services_folder(const std::string& state);

/// Neither what a cluster said last nor what it was told counts for the next one, be it of the same id. While
/// no node runs on that state; services go on.
void forget_cluster(const config::Config& config, const std::string& state);

}  // namespace muster::app
