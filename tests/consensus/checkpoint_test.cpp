// Who lacks lines that were dropped takes a checkpoint and the lines after it, from whoever has them.
#include <vector>

#include <catch2/catch.hpp>

#include "consensus/raft_store.hpp"
#include "consensus/wire.hpp"
#include "support/cluster.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

constexpr size_t kSize = 5'000'000;

/// Three voters of whom one fell behind what the others dropped.
struct Behind {
  explicit Behind(size_t size = kSize) {
    cluster.commit(3);
    id = cluster.leader()->id == 1 ? 2 : 1;
    cluster.cut_off = {id};
    cluster.commit(400);
    for (auto& [other, node] : cluster.nodes) {
      if (other == id) continue;
      log::Batch batch;
      node->chain.compact(300, size, batch);
      REQUIRE(node->disk.write(batch, true));
    }
  }
  void expect_caught_up() {
    cluster.await([&] { return cluster.same_everywhere(); });
    CHECK(node().chain.head().seq == 403);
    CHECK(node().chain.oldest() == 301);
    cluster.commit(5);
    cluster.await([&] { return cluster.same_everywhere(); });
  }
  Cluster::Node& node() { return *cluster.nodes[id]; }

  Cluster cluster{3};
  MemberId id = 0;
};

}  // namespace

TEST_CASE("a member behind the oldest line takes the checkpoint, in pieces, and the lines after it") {
  Behind behind;
  size_t pieces = 0;
  behind.cluster.on_send = [&](MemberId, MemberId, const std::string& frame) {
    CHECK(frame.size() <= kMaxFrame);
    pieces += type_of(frame) == kPieceFrame;
    return true;
  };
  behind.cluster.cut_off.clear();
  behind.expect_caught_up();
  CHECK(pieces == (kSize + kMaxPiece - 1) / kMaxPiece);
}

TEST_CASE("a checkpoint goes on where it stopped when frames are lost and its sender is gone") {
  Behind behind;
  size_t pieces = 0, restarts = 0;
  MemberId from = 0;
  behind.cluster.on_send = [&](MemberId sender, MemberId, const std::string& frame) {
    if (type_of(frame) == kPieceFetchFrame && decode_piece_fetch(frame)->offset == 0) restarts++;
    if (type_of(frame) != kPieceFrame) return true;
    if (++pieces == 3) from = sender;
    return sender != from;  // It says no more, once it has said that much.
  };
  behind.cluster.cut_off.clear();
  behind.expect_caught_up();
  CHECK(restarts == 1);
}

TEST_CASE("a checkpoint that is not what its digest says is not taken") {
  Behind behind{100'000};
  size_t spoilt = 0;
  behind.cluster.on_send = [&](MemberId sender, MemberId to, const std::string& frame) {
    if (type_of(frame) != kPieceFrame || spoilt == 3) return true;
    auto changed = frame;
    changed.back() ^= 1;
    spoilt++;
    behind.cluster.clock.later(
      2, [&behind, sender, to, changed] { behind.cluster.nodes[to]->replica->receive(sender, changed); });
    return false;
  };
  behind.cluster.cut_off.clear();
  behind.expect_caught_up();
  CHECK(spoilt == 3);
}

TEST_CASE("a later snapshot takes the place of one whose lines all others have dropped") {
  Behind behind{1'000};
  bool snapshot = false, hold = true;
  behind.cluster.on_send = [&](MemberId, MemberId to, const std::string& frame) {
    snapshot |= to == behind.id && type_of(frame) == RAFT_IO_INSTALL_SNAPSHOT;
    return !hold || type_of(frame) != kFetchFrame;
  };
  behind.cluster.cut_off.clear();
  behind.cluster.await([&] { return snapshot; });
  behind.cluster.commit(200);
  for (auto& [other, node] : behind.cluster.nodes) {
    if (other == behind.id) continue;
    log::Batch batch;
    node->chain.compact(550, 1'000, batch);
    REQUIRE(node->disk.write(batch, true));
  }
  hold = false;
  behind.cluster.await([&] { return behind.cluster.same_everywhere(); });
  CHECK(behind.node().chain.oldest() == 551);
  behind.cluster.commit(1);
  behind.cluster.await([&] { return behind.cluster.same_everywhere(); });
}

TEST_CASE("who waits for a snapshot is offered a later one than any that was stored, also without a leader") {
  Behind behind{1'000};
  auto& cluster = behind.cluster;
  bool snapshot = false, hold = true;
  cluster.on_send = [&](MemberId, MemberId to, const std::string& frame) {
    snapshot |= to == behind.id && type_of(frame) == RAFT_IO_INSTALL_SNAPSHOT;
    return !hold || type_of(frame) != kFetchFrame;
  };
  cluster.cut_off.clear();
  cluster.await([&] { return snapshot; });
  cluster.commit(20);
  const auto to = cluster.leader()->chain.head().seq - 5;
  for (auto& [other, node] : cluster.nodes) {
    if (other == behind.id) continue;
    REQUIRE(load_snapshot(node->disk)->head.seq < to);
    log::Batch batch;
    node->chain.compact(to, 1'000, batch);
    REQUIRE(node->disk.write(batch, true));
  }
  cluster.crash(cluster.leader()->id);  // Who is left needs the vote of the one that waits.
  hold = false;
  cluster.await([&] { return cluster.leader() != nullptr; });
  CHECK(behind.node().chain.oldest() == to + 1);
}

TEST_CASE("two that fell behind at different times catch up, the first of them from nobody but the second") {
  Cluster cluster{5};
  cluster.commit(3);
  std::vector<MemberId> others;
  for (const auto& [id, node] : cluster.nodes)
    if (id != cluster.leader()->id) others.push_back(id);
  const auto first = others[0], second = others[1];
  const auto drop_up_to = [&](uint64_t to) {
    for (auto& [id, node] : cluster.nodes) {
      if (cluster.cut_off.contains(id)) continue;
      log::Batch batch;
      node->chain.compact(to, 1'000, batch);
      REQUIRE(node->disk.write(batch, true));
    }
  };
  // The first waits for a snapshot of about line 200; the second, which has more than that, for a later one,
  // of which it gets the checkpoint and no line.
  bool hold_first = true, hold_second = true, waits = false, asked = false;
  cluster.on_send = [&](MemberId from, MemberId to, const std::string& frame) {
    const auto type = type_of(frame);
    waits |= to == first && type == RAFT_IO_INSTALL_SNAPSHOT;
    const bool fetches = type == kFetchFrame || type == kRowsFetchFrame;
    if (from == first && fetches && hold_first) return false;
    asked |= from == first && fetches && to == second;
    if (from == first && fetches && hold_second) return to == second;
    return !(hold_second && to == second && (type == kLinesFrame || type == kRowsFrame));
  };
  cluster.cut_off = {first};
  cluster.commit(200);
  drop_up_to(150);
  cluster.cut_off.clear();
  cluster.await([&] { return waits; });
  cluster.commit(50);
  cluster.cut_off = {second};
  cluster.commit(400);
  drop_up_to(600);
  cluster.cut_off.clear();
  cluster.await([&] { return cluster.nodes[second]->chain.head().seq == 600; });
  hold_first = false;
  cluster.await([&] { return asked; });
  hold_second = false;
  cluster.await([&] { return cluster.same_everywhere(); });
  cluster.commit(5);
  cluster.await([&] { return cluster.same_everywhere(); });
}
