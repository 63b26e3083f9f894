// The jobs of a node that serves: the desk, wired to its log and its edge.
#pragma once

#include <memory>
#include <string>

#include "app/config/config.hpp"
#include "app/jobs/job_desk.hpp"
#include "app/jobs/source_worker.hpp"
#include "http/api.hpp"

namespace muster::app {

/// What stands behind the desk; all of it outlives the desk's work, and the desk outlives the API.
struct NodeJobsParts {
  std::string node, data;
  log::Disk* disk = nullptr;
  System* system = nullptr;
  http::Api* api = nullptr;
  http::Server* server = nullptr;
  SourceWorker* sources = nullptr;
};

/// Null, and a warning, where there is no folder in memory: the node serves, and runs no jobs.
std::unique_ptr<JobDesk> make_node_jobs(const config::Config& config, NodePolicy policy,
                                        const NodeJobsParts& parts);

/// Whether the views may say another thing of a run after this.
[[nodiscard]] bool is_about_runs(const Record& record);

}  // namespace muster::app
