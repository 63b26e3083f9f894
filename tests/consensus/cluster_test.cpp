// Three voters and more, on a quiet network: elections, partitions, newcomers.
#include <set>

#include <catch2/catch.hpp>

#include "support/toy.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

constexpr uint64_t kPatience = 20'000;

class Cluster {
public:
  struct Node : Outside, Watcher {
    Node(Cluster& cluster_, MemberId id_) : cluster(cluster_), id(id_) {}
    uint64_t now_ms() override { return cluster.clock.now(); }
    int random(int from, int below) override { return from + int(cluster.chance() % uint64_t(below - from)); }
    void later(unsigned ms, std::function<void()> task) override { cluster.clock.later(ms, std::move(task)); }
    void send(MemberId to, std::string frame) override {
      if (cluster.cut_off.contains(id) || cluster.cut_off.contains(to)) return;
      cluster.clock.later(2, [this, to, frame = std::move(frame)] {
        if (cluster.nodes.contains(to)) cluster.nodes[to]->replica->receive(id, frame);
      });
    }
    void leading(uint64_t) override {}
    void following(uint64_t, MemberId) override { lost++; }
    void broken(const Error& why) override { FAIL(why.detail); }
    void beat() {
      replica->tick();
      later(50, [this] { beat(); });
    }
    Cluster& cluster;
    MemberId id;
    log::MemoryDisk disk;
    ToyChain chain{disk};
    std::unique_ptr<Replica> replica;
    int lost = 0;
  };

  explicit Cluster(MemberId voters) {
    Members members;
    for (MemberId id = 1; id <= voters; id++) members.push_back({id, "n" + std::to_string(id), Role::voter});
    for (const auto& member : members) start(member.id, members);
    await([this] { return leader() != nullptr; });
  }
  void start(MemberId id, const Members& first) {
    nodes[id] = std::make_unique<Node>(*this, id);
    auto& node = *nodes[id];
    if (!first.empty()) REQUIRE(Replica::bootstrap(node.disk, first));
    const Timing timing{.snapshot_every = 40, .trailing = 10};
    node.replica =
      std::make_unique<Replica>(id, "n" + std::to_string(id), node.disk, node.chain, node, node, timing);
    REQUIRE(node.replica->open());
    node.beat();
  }
  /// The one that leads and is not cut off.
  Node* leader() {
    for (auto& [id, node] : nodes)
      if (node->replica->leading() && !cut_off.contains(id)) return node.get();
    return nullptr;
  }
  template <class Reached>
  void await(Reached reached) {
    for (const auto end = clock.now() + kPatience; !reached();) {
      REQUIRE(clock.now() < end);
      clock.step(clock.now() + 1);
    }
  }
  void commit(int count) {
    for (int i = 0; i < count; i++) {
      uint64_t index = 0;
      await([&] { return leader() && leader()->replica->propose(std::to_string(++proposed), index); });
      await([&] { return leader() && leader()->chain.head().index >= index; });
    }
  }
  bool same_everywhere() {
    std::set<std::pair<uint64_t, Digest>> heads;
    for (auto& [id, node] : nodes) heads.emplace(node->chain.head().seq, node->chain.head().hash);
    return heads.size() == 1;
  }

  Clock clock;
  std::mt19937_64 chance{3};
  std::set<MemberId> cut_off;
  int proposed = 0;
  std::map<MemberId, std::unique_ptr<Node>> nodes;
};

}  // namespace

TEST_CASE("three voters elect one leader and hold the same lines") {
  Cluster cluster{3};
  cluster.commit(20);
  cluster.await([&] { return cluster.same_everywhere(); });
  for (auto& [id, node] : cluster.nodes) {
    CHECK(node->chain.head().seq == 20);
    CHECK(node->replica->leader() == cluster.leader()->id);
    CHECK(node->replica->members().size() == 3);
  }
}

TEST_CASE(
  "a leader that is cut off steps down, the others elect another, and it comes back to the same lines") {
  Cluster cluster{3};
  cluster.commit(5);
  auto* old = cluster.leader();
  const auto told = old->lost;
  uint64_t index = 0;
  cluster.cut_off = {old->id};
  REQUIRE(old->replica->propose("never committed", index));
  cluster.commit(5);
  cluster.await([&] { return !old->replica->leading(); });
  CHECK(old->lost > told);
  CHECK(old->chain.head().seq == 5);
  cluster.cut_off.clear();
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK(old->chain.head().seq == 10);
  CHECK(cluster.nodes[1]->chain.bodies().size() == 10);
}

TEST_CASE("without a majority nothing is committed") {
  Cluster cluster{3};
  cluster.commit(3);
  auto* leader = cluster.leader();
  for (auto& [id, node] : cluster.nodes)
    if (id != leader->id) cluster.cut_off.insert(id);
  uint64_t index = 0;
  REQUIRE(leader->replica->propose("waits", index));
  const auto end = cluster.clock.now() + 10'000;
  while (cluster.clock.now() < end) cluster.clock.step(end);
  CHECK(leader->chain.head().seq == 3);
  CHECK_FALSE(leader->replica->leading());
}

TEST_CASE("who fell behind the snapshot fetches its lines from the others before it goes on") {
  Cluster cluster{3};
  cluster.commit(3);
  const MemberId behind = cluster.leader()->id == 1 ? 2 : 1;
  cluster.cut_off = {behind};
  cluster.commit(400);
  cluster.cut_off.clear();
  cluster.await([&] { return cluster.same_everywhere(); });
  CHECK(cluster.nodes[behind]->chain.head().seq == 403);
  cluster.commit(5);
  cluster.await([&] { return cluster.same_everywhere(); });
}

TEST_CASE("a lone voter takes in a newcomer, makes it a voter, hands over, and is removed") {
  Cluster cluster{1};
  cluster.commit(100);
  cluster.start(2, {});
  const auto role_of = [&](MemberId id) -> std::optional<Role> {
    if (!cluster.leader()) return std::nullopt;
    for (const auto& member : cluster.leader()->replica->members())
      if (member.id == id) return member.role;
    return std::nullopt;
  };
  REQUIRE(cluster.leader()->replica->add({2, "n2", Role::spare}));
  CHECK_FALSE(cluster.nodes[2]->replica->add({3, "n3", Role::spare}));
  cluster.commit(1);
  REQUIRE(cluster.leader()->replica->assign(2, Role::standby));
  cluster.await([&] { return cluster.same_everywhere(); });
  REQUIRE(cluster.leader()->replica->assign(2, Role::voter));
  cluster.await([&] { return role_of(2) == Role::voter; });
  cluster.commit(10);
  cluster.await([&] { return cluster.same_everywhere(); });
  REQUIRE(cluster.leader()->id == 1);
  CHECK(cluster.nodes[1]->replica->remove(1).error().code == "conflict");
  CHECK(cluster.nodes[1]->replica->assign(1, Role::standby).error().code == "conflict");
  cluster.await([&] { return cluster.leader() && cluster.leader()->replica->transfer(2); });
  cluster.await([&] { return cluster.leader() && cluster.leader()->id == 2; });
  cluster.await([&] { return cluster.leader()->replica->remove(1) || role_of(1) == std::nullopt; });
  cluster.await(
    [&] { return role_of(1) == std::nullopt && cluster.leader()->replica->members().size() == 1; });
  cluster.nodes[1]->replica->close();
  cluster.commit(5);
  CHECK(cluster.nodes[2]->chain.head().seq == 116);
}
