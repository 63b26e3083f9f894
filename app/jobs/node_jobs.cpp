// Wiring the desk.
#include "app/jobs/node_jobs.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>

#include "app/jobs/run_parts.hpp"
#include "base/percent.hpp"
#include "domain/run_facts.hpp"

namespace muster::app {
namespace {

constexpr int kOk = 200, kInvalid = 400;

/// As POST /v1/nodes/{id}/runs wants it.
std::string body_of(const runs::Report& report) {
  std::string body = "{\"source\":";
  append_json_string(body, report.source);
  body += ",\"facts\":[";
  for (const auto& fact : report.facts) {
    if (body.back() != '[') body += ',';
    append_fields(body, runs::body_of(fact));
  }
  return body + "]}";
}

Result<uint64_t> taken_of(const http::Response& response) {
  if (response.status == kOk) return taken_to(response.body);
  return Error{response.status == kInvalid ? "field.invalid" : "unreachable", response.body, {}};
}

}  // namespace

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
  side.completed = [system = parts.system, sources = parts.sources](const std::string& run) {
    const auto views = system->views();
    const auto* row = view<runs::View>(*views).runs.find(run);
    if (row && !(*row)->accepted->source.empty()) sources->succeeded((*row)->accepted->source);
  };
  side.send = [api = parts.api, path = "/v1/nodes/" + parts.node + "/runs"](
                const runs::Report& report, std::function<void(const Result<uint64_t>&)> then) {
    http::Api::InsideRequest request;
    request.path = path;
    request.body = body_of(report);
    api->ask_inside(std::move(request),
                    [then = std::move(then)](const http::Response& response) { then(taken_of(response)); });
  };
  side.cancel = [api = parts.api](const std::string& run, const std::string& reason) {
    spdlog::warn("run={} canceled: {}", run, reason);
    http::Api::InsideRequest cancel;
    cancel.path = "/runs/" + run + ":cancel";
    cancel.query = "reason=" + percent_encoded(reason);
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
