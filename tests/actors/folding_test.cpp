// Folding lines from a disk that does not give them.
#include "actors/folding.hpp"

#include <catch2/catch.hpp>

#include "events/line.hpp"
#include "events/log/chain.hpp"
#include "events/log/entry.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::actors;

namespace {

constexpr uint64_t kEvery = 1'000'000;  // No checkpoint is made that a test does not ask for.

/// A log of registrations, and what folds it.
struct Folded {
  Folded() {
    FoldingDeps deps;
    deps.disk = &disk;
    deps.published = published;
    deps.checkpoint = [](const auto&) {};
    deps.checkpoint_every = kEvery;
    deps.on_lines = [](const auto&) {};
    folding.emplace(std::move(deps));
  }

  /// Puts lines on the disk; what was committed, with the lines or, when it is far, without.
  CommittedPtr append(size_t lines, bool far) {
    log::EntryWriter entry;
    for (size_t i = 1; i <= lines; i++) {
      const auto n = std::to_string(chain.head().seq + i);
      entry.event("node/n" + n, R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":"alice",)"
                                R"("type":"node.registered","stream":"node/n)" +
                                  n + R"(","data":{"node":"n)" + n + R"("}})");
    }
    log::Batch batch;
    auto committed = std::make_shared<Committed>();
    chain.apply(chain.head().index + 1, entry.take(), Time{}, batch, committed->lines);
    REQUIRE(disk.write(batch, true));
    for (const auto& line : committed->lines) {
      auto record = read_line(*line);
      REQUIRE(record);
      committed->records.push_back(std::move(*record));
    }
    if (far) committed->lines.clear(), committed->records.clear();
    committed->far = far;
    committed->head = chain.head();
    return committed;
  }

  [[nodiscard]] uint64_t seq() const { return published->load() ? published->load()->seq : 0; }
  /// Folded, and from the disk alone.
  [[nodiscard]] bool is_whole() const {
    const auto fresh = world_at(disk, chain.head().seq);
    return fresh && folding->world()->set.head == chain.head().hash &&
           checkpoint_digest(*fresh) == checkpoint_digest(*folding->world());
  }

  log::MemoryDisk disk;
  log::ChainWriter chain{disk};
  std::shared_ptr<Published> published = std::make_shared<Published>();
  std::optional<Folding> folding;
};

}  // namespace

TEST_CASE("views wait for a disk that cannot be read, and are whole with the next lines", "[S0-06]") {
  const auto lines = GENERATE(size_t{10}, size_t{5000});  // More are read by several threads.
  Folded node;
  node.folding->take(node.append(3, false));
  const auto far = node.append(lines, true);
  node.disk.fail_reads(true);
  node.folding->take(far);
  CHECK(node.seq() == 3);
  node.folding->take(node.append(1, false));
  CHECK(node.seq() == 3);
  node.disk.fail_reads(false);
  node.folding->take(node.append(1, false));
  CHECK(node.seq() == 3 + lines + 2);
  CHECK(node.is_whole());
}

TEST_CASE("a checkpoint that cannot be read is gone on from with the next lines", "[S0-06]") {
  Folded node, peer;
  for (auto* one : {&node, &peer}) one->folding->take(one->append(3, false));
  (void)node.append(7, true);
  peer.folding->take(peer.append(7, false));
  REQUIRE(store_checkpoint(node.disk, *peer.folding->world()));
  node.disk.fail_reads(true);
  node.folding->restart_from(10);
  CHECK(node.seq() == 3);
  node.disk.fail_reads(false);
  node.folding->take(node.append(1, false));
  CHECK(node.seq() == 11);
  CHECK(node.is_whole());
}

TEST_CASE("a later checkpoint from a peer stands for lines that are to be folded and gone", "[S0-06]") {
  Folded node, peer;
  for (auto* one : {&node, &peer}) one->folding->take(one->append(3, false));
  const auto far = node.append(7, true);
  peer.folding->take(peer.append(20, false));
  REQUIRE(store_checkpoint(node.disk, *peer.folding->world()));
  log::Batch batch;
  node.chain.start_after(peer.chain.head().seq, peer.chain.head().hash, batch);
  REQUIRE(node.disk.write(batch, true));
  node.folding->take(far);
  CHECK(node.seq() == 23);
  node.folding->restart_from(23);
  node.folding->take(node.append(1, false));
  CHECK(node.seq() == 24);
}
