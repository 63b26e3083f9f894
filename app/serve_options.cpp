// From settings to the edge's options.
#include "app/serve_options.hpp"

#include <algorithm>

#include "adapters/run_making.hpp"
#include "app/jobs/source_adding.hpp"

namespace muster::app {

http::ApiOptions api_options(const config::Config& config, const std::string& data) {
  http::ApiOptions options;
  options.auth.flags = {config.flag("policy-allow-anonymous-proxy"),
                        config.flag("policy-require-auth-for-plan"),
                        config.flag("policy-require-auth-for-bootstrap")};
  options.auth.scope_prefix = config.text("scope-prefix");
  options.dev = config.flag("dev");
  if (options.dev) options.auth.dev_token = "dev-token";
  options.node_ttl = config.duration("node-ttl");
  options.leader_ttl = config.duration("leader-ttl");
  options.claim_ttl = config.duration("claim-ttl");
  options.secret_ttl = config.duration("secret-ttl");
  options.command_timeout = config.duration("command-timeout");
  options.max_page = static_cast<size_t>(config.number("max-page"));
  options.max_in_flight = static_cast<size_t>(config.number("max-in-flight"));
  options.max_tails = static_cast<size_t>(config.number("max-tails"));
  options.control_plane_url = config.text("control-plane-url");
  options.gateway_url = config.text("gateway-url");
  options.plan_requires_registration = config.flag("policy-plan-requires-registration");
  options.data = data;
  options.version = MUSTER_VERSION;
  options.metrics = config.flag("metrics");
  options.aliases_public = config.flag("aliases-public");
  const auto extensions = listed(config.text("extension"));
  options.export_runs = std::find(extensions.begin(), extensions.end(), "export") != extensions.end();
  if (const auto runtime = container_runtime()) options.containers = jobs::to_text(*runtime);
  return options;
}

Status check_containers(const config::Config& config) {
  if (!(config::called_flwd() || config.flag("require-containers")) || container_runtime()) return Done{};
  return Error{
    "container.runtime.unavailable",
    "neither podman nor docker is in PATH; muster :serve without --require-containers serves without",
    {}};
}

}  // namespace muster::app
