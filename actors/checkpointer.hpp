// Stores checkpoints apart from the log's thread, and has each recorded.
#pragma once

#include <functional>

#include "actors/interfaces.hpp"
#include "adapters/keys.hpp"

namespace muster::actors {

struct CheckpointerDeps {
  log::Disk* disk = nullptr;
  const Keys* keys = nullptr;
  std::string node;
  /// Has the cluster's domain record it.
  std::function<void(cluster::Checkpointed)> record;
  std::function<void(const Error&)> failed;
};

/// What a member signs: "muster checkpoint <at> <head> <digest>".
[[nodiscard]] std::string checkpoint_statement(uint64_t at, std::string_view head, std::string_view digest);
[[nodiscard]] std::string checkpoint_statement(const cluster::Checkpointed& made);

Checkpointer::behavior_type checkpointer(Checkpointer::pointer self, CheckpointerDeps deps);

}  // namespace muster::actors
