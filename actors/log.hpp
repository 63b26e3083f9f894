// The log's actor: the keeper on a thread of its own, among actors.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/keeper.hpp"

namespace muster::actors {

struct LogDeps {
  log::Disk* disk = nullptr;
  Projector projector;
  std::vector<std::shared_ptr<Flight>> flights;  ///< One for each domain, in their order.
  std::shared_ptr<LogGauges> gauges;
  Now now;
  KeeperOptions keeping;
  /// Sends a frame to a member; any thread may be slow to take it, this one never is.
  std::function<void(consensus::MemberId to, std::string frame)> send;
  std::function<void(const Error&)> broken;  ///< The disk failed; told again when it is well (empty code).
  std::function<void()> ticked;              ///< After each tick.
  std::function<bool(consensus::MemberId)> knows_rows;  ///< As consensus::Outside; empty: nobody does.
  std::function<bool()> may_lead;                       ///< As consensus::Outside; empty: always.
};

Log::behavior_type log_actor(Log::pointer self, LogDeps deps);

}  // namespace muster::actors
