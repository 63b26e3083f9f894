// The jobs of a node, as its GET /jobs tells of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/client.hpp"
#include "app/cli/verb.hpp"
#include "domain/jobs/job.hpp"

namespace muster::cli {

struct RemoteJobs {
  Json rows;          ///< As GET /jobs has them, from all pages.
  size_t faults = 0;  ///< Files that could not be read there.
};

/// `all`: aliases that cannot be used, too, and the jobs' folders. Errors: `unreachable`, the node's own.
[[nodiscard]] Result<RemoteJobs> remote_jobs(Client& client, bool all = false);

struct RemoteJob {
  jobs::Job job;
  size_t words = 0;  ///< How many of the words named it.
};

/// By the words of its folders, else by the first word as an id or an alias, also as one that is not listed.
/// Nothing: there is not one job at all. Errors: `job.unknown`, `alias.*`; of a hidden alias what the policy
/// denies; as remote_jobs().
[[nodiscard]] Result<std::optional<RemoteJob>> find_remote_job(Client& client,
                                                               const std::vector<std::string>& words);

/// The node whose jobs this command line lists, plans and runs: node_to_ask(). Nothing: this machine's own
/// tree counts, as there is no such node, or a flag names another folder of scripts than the node's that
/// serves here. Error: usage, when flags name a folder and a node.
[[nodiscard]] Result<std::optional<std::string>> node_of_jobs(const config::Config& config);

/// Asks that node, if there is one that answers, or one that is named.
template <class Ask>
std::optional<Outcome> ask_of_jobs(const Call& call, Ask ask) {
  const auto server = node_of_jobs(call.config);
  if (!server) return Outcome{server.error()};
  if (!*server) return std::nullopt;
  auto client = Client::make_for(**server, call.config);
  if (!client) return Outcome{client.error()};
  Outcome outcome = ask(*client);
  const bool gone = !outcome && outcome.error().code == "unreachable" && !call.config.given("server");
  return gone ? std::nullopt : std::optional{std::move(outcome)};
}

}  // namespace muster::cli
