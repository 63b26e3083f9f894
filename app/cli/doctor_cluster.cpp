// What the running node says of itself among the others.
#include "app/cli/client.hpp"
#include "app/cli/doctor.hpp"

namespace muster::cli {

using Verdict = Check::Verdict;

std::optional<Check> check_cluster_clock(const config::Config& config) {
  auto client = Client::make(config);
  if (!client) return std::nullopt;
  const auto cluster = client->get("/v1/cluster");
  if (!cluster || !cluster->is_object() || !cluster->contains("raft")) return std::nullopt;
  const auto& raft = (*cluster)["raft"];
  const auto ahead = raft.value("clock_off_ms", int64_t{0});
  const bool lets_lead = raft.value("clock_lets_lead", true);
  if (!raft.contains("clock_off_ms"))
    return Check{"cluster clock", Verdict::warning, "too few voters are heard to compare clocks with",
                 "muster :cluster shows who is silent"};
  const auto found = std::to_string(std::abs(ahead)) + " ms " + (ahead < 0 ? "behind" : "ahead of") +
                     " the median of the voters" + (lets_lead ? "" : ", so that this node does not lead");
  if (lets_lead) return Check{"cluster clock", Verdict::good, found};
  return Check{"cluster clock", Verdict::bad, found,
               "Set the clock; timedatectl set-ntp true keeps it right"};
}

}  // namespace muster::cli
