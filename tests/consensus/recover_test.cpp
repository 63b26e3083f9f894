// A member goes on alone with what it has, also one that waits for lines which nobody will send.
#include <catch2/catch.hpp>

#include "consensus/raft_store.hpp"
#include "consensus/wire.hpp"
#include "support/cluster.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

/// Three voters of whom one is sent a snapshot, gets some of its lines, and is then the only one that is
/// left.
struct Survivor {
  explicit Survivor(size_t frames_of_lines) {
    cluster.commit(20);
    id = cluster.leader()->id == 1 ? 2 : 1;
    cluster.await([&] { return cluster.same_everywhere(); });
    cluster.cut_off = {id};
    cluster.commit(400);
    size_t frames = 0;
    cluster.on_send = [this, frames_of_lines, frames](MemberId, MemberId to,
                                                      const std::string& frame) mutable {
      snapshot |= to == id && type_of(frame) == RAFT_IO_INSTALL_SNAPSHOT;
      return type_of(frame) != kLinesFrame || frames++ < frames_of_lines;
    };
    cluster.cut_off.clear();
    cluster.await([&] { return snapshot && load_stored(node().disk)->wanted.has_value(); });
    if (frames_of_lines > 0) cluster.await([&] { return node().chain.stored() > 20; });
    for (auto& [other, node] : cluster.nodes)
      if (other != id) cluster.crash(other);
  }
  void recover() {
    node().replica->close();
    REQUIRE(Replica::recover(node().disk, {id, "n" + std::to_string(id), Role::voter}, node().chain.head()));
    REQUIRE(node().replica->open());
  }
  /// Nothing twice, in the order in which it was proposed.
  void expect_in_order() {
    int before = 0;
    for (const auto& body : node().chain.bodies()) {
      CHECK(std::stoi(body) > before);
      before = std::stoi(body);
    }
  }
  Cluster::Node& node() { return *cluster.nodes.at(id); }

  Cluster cluster{3};
  MemberId id = 0;
  bool snapshot = false;
};

}  // namespace

TEST_CASE("a member that waits for a snapshot's lines goes on alone with what it had before") {
  Survivor survivor{0};
  const auto before = survivor.node().chain.head().seq;
  survivor.recover();
  survivor.cluster.await([&] { return survivor.cluster.leader() != nullptr; });
  CHECK(survivor.node().chain.head().seq >= before);
  survivor.expect_in_order();
  CHECK(!load_stored(survivor.node().disk)->wanted);
}

TEST_CASE("a member that has some of a snapshot's lines keeps them, each once, and goes on behind them") {
  Survivor survivor{1};
  const auto before = survivor.node().chain.head();
  REQUIRE(before.seq > 20);
  survivor.recover();
  survivor.cluster.await([&] { return survivor.cluster.leader() != nullptr; });
  CHECK(survivor.node().chain.head().seq == before.seq);
  CHECK(survivor.node().chain.head().hash == before.hash);
  survivor.expect_in_order();
  survivor.cluster.commit(100);
  CHECK(survivor.node().chain.head().seq == before.seq + 100);
  CHECK(survivor.node().replica->members().size() == 1);
}

TEST_CASE("what was recovered over a snapshot survives a crash, and takes a new member in") {
  Survivor survivor{1};
  survivor.recover();
  survivor.cluster.await([&] { return survivor.cluster.leader() != nullptr; });
  survivor.cluster.commit(10);
  const auto seq = survivor.node().chain.told().seq;  // The last one may not be durable yet.
  survivor.cluster.crash(survivor.id);
  survivor.cluster.restart(survivor.id);
  survivor.cluster.await(
    [&] { return survivor.cluster.leader() && survivor.node().chain.head().seq >= seq; });
  survivor.expect_in_order();
  survivor.cluster.on_send = nullptr;
  survivor.cluster.start(9, {});
  survivor.cluster.await([&] { return bool(survivor.node().replica->add({9, "n9", Role::spare})); });
  survivor.cluster.await([&] { return bool(survivor.node().replica->assign(9, Role::standby)); });
  survivor.cluster.await(
    [&] { return survivor.cluster.nodes[9]->chain.head().hash == survivor.node().chain.head().hash; });
}
