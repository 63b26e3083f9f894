// The log's actor: gathers decisions, commits them through Raft with one disk sync, answers, tells the
// projector.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/gathering.hpp"
#include "consensus/replica.hpp"

namespace muster::actors {

/// What the log's thread lets others see without asking.
struct LogGauges {
  std::atomic<bool> leading{false};  ///< And ready: a barrier of this term is applied.
  std::atomic<bool> writable{true};
  std::atomic<uint64_t> term{0}, index{0}, seq{0}, epoch{0};
  std::atomic<uint64_t> entries{0}, events{0};  ///< Committed since the start.
  std::atomic<uint64_t> commit_ns{0};           ///< Sum over entries: from the proposal to durable.
  std::atomic<uint64_t> pending{0};
};

struct LogDeps {
  log::Disk* disk = nullptr;
  Projector projector;
  std::vector<std::shared_ptr<Flight>> flights;  ///< One for each domain, in their order.
  std::function<void()> unlead;                  ///< Tells every domain that leadership ended.
  std::shared_ptr<LogGauges> gauges;
  Now now;
  std::string node;  ///< This node's id, as lines name it.
  uint64_t start_epoch = 0;
  Time start_time{};                         ///< Of the last line.
  std::function<void(const Error&)> broken;  ///< The disk failed; told again when it is well (empty code).
  GatherLimits limits;
};

Log::behavior_type log_actor(Log::pointer self, LogDeps deps);

}  // namespace muster::actors
