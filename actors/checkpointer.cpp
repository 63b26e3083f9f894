// Storing checkpoints.
#include "actors/checkpointer.hpp"

#include "actors/loud.hpp"

namespace muster::actors {
namespace {

Result<StoredCheckpoint> store(log::Disk& disk, const World& world) {
  try {
    return store_checkpoint(disk, world);
  } catch (const log::Unreadable& failed) {
    return failed.error();
  }
}

}  // namespace

std::string checkpoint_statement(uint64_t at, std::string_view head, std::string_view digest) {
  return "muster checkpoint " + std::to_string(at) + " " + std::string(head) + " " + std::string(digest);
}

std::string checkpoint_statement(const cluster::Checkpointed& made) {
  return checkpoint_statement(made.at, made.head, made.digest);
}

Checkpointer::behavior_type checkpointer(Checkpointer::pointer self, CheckpointerDeps deps) {
  end_loudly(self, "checkpointer");
  return {
    [deps = std::move(deps)](const std::shared_ptr<const World>& world) {
      const auto stored = store(*deps.disk, *world);
      if (!stored) return deps.failed(stored.error());
      cluster::Checkpointed made;
      made.at = stored->at;
      made.head = to_hex(world->set.head);
      made.digest = stored->digest;
      made.bytes = stored->bytes;
      made.signatures[deps.node] = to_hex(sign(*deps.keys, checkpoint_statement(made)));
      deps.record(std::move(made));
    },
  };
}

}  // namespace muster::actors
