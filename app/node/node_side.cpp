// Putting a node's side together.
#include "app/node/node_side.hpp"

#include <atomic>
#include <filesystem>

#include "app/node/service_records.hpp"

namespace muster::app {

namespace {

std::string discovery_folder(const config::Config& config, const std::string& state) {
  const auto& given = config.text("discovery-data-dir");
  return given.empty() ? state + "/discovery" : given;
}

}  // namespace

std::string services_folder(const std::string& state) {
  return state + "/services";
}

void forget_cluster(const config::Config& config, const std::string& state) {
  std::error_code ignored;
  std::filesystem::remove(discovery_folder(config, state) + "/cluster.json", ignored);
  for (const auto* kept : {"/node/plan.json", "/node/profile.json"})
    std::filesystem::remove(state + kept, ignored);
  tell_again(services_folder(state));
}

Result<std::unique_ptr<NodeSide>> NodeSide::start(const config::Config& config, NodeSideOptions options) {
  std::unique_ptr<NodeSide> made{new NodeSide};
  auto& self = *made;
  self.facts_ = std::move(options.facts);
  // The services begin first, and tell the session once there is one.
  const auto session = std::make_shared<std::atomic<NodeSession*>>(nullptr);
  NodeServicesOptions services;
  services.node = options.node;
  services.folder = services_folder(options.state);
  services.executor = config.text("executor");
  services.limits.grace = config.duration("service-grace");
  services.limits.first_backoff = config.duration("service-backoff");
  services.facts = self.facts_.get();
  services.on_fact = [session] {
    if (auto* there = session->load()) there->facts_wait();
  };
  auto started = NodeServices::start(std::move(services));
  if (!started) return started.error();
  self.services_ = std::move(*started);

  NodeSessionOptions talk;
  talk.node = options.node;
  talk.version = options.version;
  talk.role_hint = config.text("role-hint");
  talk.host = config.text("node-name");
  talk.labels = config.text("labels");
  talk.claim_token = options.claim_token;
  talk.urls = std::move(options.urls);
  talk.learns = options.learns;
  talk.credentials = std::move(options.credentials);
  talk.ca_file = options.ca_file;
  talk.insecure = options.insecure;
  talk.timeout = options.timeout;
  talk.poll = config.duration("poll-every");
  talk.state = options.state + "/node";
  talk.discovery = discovery_folder(config, options.state);
  talk.facts = self.facts_.get();
  talk.running = [&services = *self.services_] { return services.running(); };
  talk.on_plan = [&services = *self.services_](supervision::Plan plan, std::string executor) {
    services.apply(std::move(plan), std::move(executor));
  };
  if (options.on_profile)
    talk.on_profile = [&services = *self.services_, keep = options.on_profile](const std::string& profile) {
      services.hold();
      keep(profile, [&services] { services.release(); });
    };
  talk.reports = options.reports;
  auto talking = NodeSession::start(std::move(talk));
  if (!talking) return talking.error();
  self.session_ = std::move(*talking);
  session->store(self.session_.get());
  self.session_->facts_wait();  // What came before.
  return made;
}

NodeSide::~NodeSide() {
  stop();
}

void NodeSide::notify() {
  session_->notify();
}

void NodeSide::reports_wait() {
  session_->facts_wait();
}

/// The session is still there while the services stop: they may tell it something.
void NodeSide::stop() {
  if (services_) services_->stop();
  if (session_) session_->stop();
}

}  // namespace muster::app
