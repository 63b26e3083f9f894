// Wiring the desk.
#include "app/jobs/node_jobs.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>

#include "app/cli/client.hpp"
#include "app/jobs/run_parts.hpp"

namespace muster::app {
std::unique_ptr<JobDesk> make_node_jobs(const config::Config& config, NodePolicy policy,
                                        const NodeJobsParts& parts) {
  JobDeskOptions options;
  options.scripts_root = config.text("scripts-root");
  options.policy = std::move(policy);
  options.host = whole_environment();
  options.bring = [sources = parts.sources](const std::string& source) { sources->bring(source); };
  RunSideOptions side;
  side.node = parts.node;
  std::error_code failed;
  side.data = std::filesystem::canonical(parts.data, failed);
  side.most_journal_bytes = static_cast<uint64_t>(config.number("max-journals"));
  side.counts = parts.system->options().counts;
  side.views = [system = parts.system] { return system->views(); };
  side.grown = [server = parts.server] { server->wake_streams(); };
  side.send = [api = parts.api, path = "/v1/nodes/" + parts.node + "/runs"](
                std::string body, std::function<void(int, std::string)> then) {
    http::Api::InsideRequest report;
    report.path = path;
    report.body = std::move(body);
    api->ask_inside(std::move(report), [then = std::move(then)](http::Response response) {
      then(response.status, std::move(response.body));
    });
  };
  side.cancel = [api = parts.api](const std::string& run, const std::string& reason) {
    spdlog::warn("run={} canceled: {}", run, reason);
    http::Api::InsideRequest cancel;
    cancel.path = "/runs/" + run + ":cancel";
    cancel.query = "reason=" + cli::path_segment(reason);
    api->ask_inside(std::move(cancel), [](const http::Response&) {});
  };
  auto desk = JobDesk::make(*parts.disk, std::move(options), std::move(side));
  if (desk) return std::move(*desk);
  spdlog::warn("this node runs no jobs: {}", desk.error().detail);
  return nullptr;
}

bool is_about_runs(const Record& record) {
  return record.type.starts_with("run.");
}

}  // namespace muster::app
