// Who should vote: the table, and that every way to it is safe.
#include "consensus/membership.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <catch2/catch.hpp>

using namespace muster::consensus;

namespace {

using Kind = Change::Kind;
const MembershipPolicy kPolicy;

/// A cluster of which only who votes, is up and has the log is kept. Member 1 leads at first.
class Model {
public:
  struct Node {
    std::optional<Role> role;
    bool up = true, leaving = false;
    uint64_t silent_ms = 0, behind = 5'000;
  };

  Model() { nodes[1] = {Role::voter, true, false, 0, 0}; }

  [[nodiscard]] Membership seen() const {
    Membership seen{leader, false, {}};
    for (const auto& [id, node] : nodes)
      seen.members.push_back({id, node.role, node.silent_ms, node.behind, node.leaving});
    return seen;
  }
  [[nodiscard]] size_t count(Role role) const {
    return size_t(std::count_if(nodes.begin(), nodes.end(), [&](auto& n) { return n.second.role == role; }));
  }
  /// A majority of the voters is up.
  [[nodiscard]] bool majority() const {
    const auto up = std::count_if(nodes.begin(), nodes.end(),
                                  [](auto& n) { return n.second.role == Role::voter && n.second.up; });
    return size_t(up) * 2 > count(Role::voter);
  }
  /// Time passes: who is down falls silent, who has the log catches up.
  void pass(uint64_t ms) {
    for (auto& [id, node] : nodes) {
      node.silent_ms = node.up ? 0 : node.silent_ms + ms;
      if (node.up && node.role && *node.role != Role::spare)
        node.behind = 0;
      else
        node.behind = 5'000;
    }
    if (!nodes[leader].up)  // Another is elected.
      for (auto& [id, node] : nodes)
        if (node.up && node.role == Role::voter) leader = id;
  }
  /// One step, checked; false when there is none.
  bool step() {
    const auto change = next_change(seen(), kPolicy);
    if (!change) return false;
    auto& node = nodes.at(change->id);
    INFO("member " << change->id << ", kind " << int(change->kind) << ", role " << int(change->role));
    switch (change->kind) {
      case Kind::add:
        REQUIRE_FALSE(node.role);
        node.role = Role::spare;
        break;
      case Kind::remove:
        REQUIRE(node.leaving);
        REQUIRE((node.role && node.role != Role::voter));
        REQUIRE(change->id != leader);
        nodes.erase(change->id);
        return true;
      case Kind::transfer:
        REQUIRE(nodes.at(leader).leaving);
        REQUIRE((node.role == Role::voter && node.up && node.behind <= kPolicy.max_behind));
        leader = change->id;
        return true;
      case Kind::assign:
        REQUIRE(node.role);
        REQUIRE(node.role != change->role);
        REQUIRE(change->id != leader);
        if (change->role == Role::voter) {
          REQUIRE(node.role == Role::standby);
          REQUIRE((node.up && node.behind <= kPolicy.max_behind));
        }
        node.role = change->role;
        break;
    }
    REQUIRE(majority());
    REQUIRE(count(Role::voter) >= 1);
    REQUIRE(count(Role::voter) <= 5);
    REQUIRE(count(Role::standby) <= 2);
    return true;
  }
  /// Steps and time until nothing is left to do.
  void settle() {
    int steps = 0;
    for (int quiet = 0; quiet < 3; pass(kPolicy.grace_ms)) {
      quiet = step() ? 0 : quiet + 1;
      REQUIRE(++steps < 200);
    }
  }
  void expect_table() const {
    size_t there = 0;
    for (const auto& [id, node] : nodes) {
      if (node.up && !node.leaving) there++;
      if (node.role == Role::voter) CHECK((node.up && !node.leaving));
      CHECK_FALSE(node.leaving);
      CHECK(node.role);
    }
    const size_t voters = there >= 5 ? 5 : there >= 3 ? 3 : 1;
    CHECK(count(Role::voter) == voters);
    const auto up = std::count_if(nodes.begin(), nodes.end(),
                                  [](auto& n) { return n.second.role == Role::standby && n.second.up; });
    CHECK(size_t(up) == std::min<size_t>(2, there - voters));
  }

  std::map<MemberId, Node> nodes;
  MemberId leader = 1;
};

Model of(size_t members) {
  Model model;
  for (MemberId id = 2; id <= members; id++) model.nodes[id] = {};
  model.settle();
  return model;
}

}  // namespace

TEST_CASE("members become voters, standbys and spares by the table", "[S0-07]") {
  const size_t expected[][3] = {{1, 0, 0}, {1, 1, 0}, {3, 0, 0}, {3, 1, 0}, {5, 0, 0},
                                {5, 1, 0}, {5, 2, 0}, {5, 2, 1}, {5, 2, 2}};
  for (size_t members = 1; members <= std::size(expected); members++) {
    INFO(members << " members");
    auto model = of(members);
    CHECK(model.count(Role::voter) == expected[members - 1][0]);
    CHECK(model.count(Role::standby) == expected[members - 1][1]);
    CHECK(model.count(Role::spare) == expected[members - 1][2]);
    model.expect_table();
  }
}

TEST_CASE("a second voter is made only when a third can follow, and is none again when it cannot",
          "[S0-07]") {
  Model model;
  model.nodes[2] = {Role::standby, true, false, 0, 0};
  CHECK_FALSE(next_change(model.seen()));
  model.nodes[3] = {Role::standby, true, false, 0, 5'000};
  CHECK_FALSE(next_change(model.seen()));
  model.nodes[3].behind = 10;
  CHECK(next_change(model.seen()) == Change{Kind::assign, 2, Role::voter});
  model.nodes[2].role = Role::voter;
  CHECK(next_change(model.seen()) == Change{Kind::assign, 3, Role::voter});
  model.nodes[3].silent_ms = kPolicy.grace_ms + 1;
  CHECK(next_change(model.seen()) == Change{Kind::assign, 2, Role::standby});
}

TEST_CASE("a dead voter is replaced by a standby that has the log, after the grace period", "[S0-07]") {
  auto model = of(4);
  const auto lost = model.leader == 2 ? MemberId{3} : MemberId{2};
  model.nodes[lost].up = false;
  model.nodes[lost].silent_ms = kPolicy.grace_ms;
  CHECK_FALSE(next_change(model.seen()));
  model.nodes[lost].silent_ms++;
  auto change = next_change(model.seen());
  CHECK(change == Change{Kind::assign, lost, Role::spare});
  model.nodes[4].behind = kPolicy.max_behind + 1;  // Who lacks the log replaces nobody.
  CHECK_FALSE(next_change(model.seen()) == change);
  model.nodes[4].behind = 0;
  model.nodes[lost].role = Role::spare;
  CHECK(next_change(model.seen()) == Change{Kind::assign, 4, Role::voter});
  model.settle();
  model.expect_table();
}

TEST_CASE("voters that are lost for good become fewer: five, three, one") {
  auto model = of(5);
  for (const MemberId lost : {MemberId{5}, MemberId{4}, MemberId{3}, MemberId{2}}) {
    model.nodes[lost].up = false;
    model.settle();
    model.expect_table();
  }
  CHECK(model.count(Role::voter) == 1);
  for (MemberId id = 2; id <= 5; id++) model.nodes[id].up = true;
  model.settle();
  CHECK(model.count(Role::voter) == 5);
}

TEST_CASE("a leader that leaves hands over first, also when it is the only voter") {
  const auto members = GENERATE(range(size_t{2}, size_t{8}));
  auto model = of(members);
  model.nodes[1].leaving = true;
  model.settle();
  CHECK_FALSE(model.nodes.contains(1));
  model.expect_table();
}

TEST_CASE("nothing is proposed while a change is under way, or by who has no vote") {
  Model model;
  model.nodes[2] = {};
  auto seen = model.seen();
  CHECK(next_change(seen));
  seen.pending = true;
  CHECK_FALSE(next_change(seen));
  seen.pending = false;
  seen.leader = 2;
  CHECK_FALSE(next_change(seen));
}

TEST_CASE(
  "from any start and under any joins, leaves and deaths every step is safe, and the table is reached") {
  for (uint64_t seed = 1; seed <= 20'000; seed++) {
    std::mt19937_64 chance{seed};
    const auto below = [&](uint64_t n) { return chance() % n; };
    Model model;
    MemberId next = 2;
    for (uint64_t n = below(7); n > 0; n--)
      model.nodes[next++] = {static_cast<Role>(below(3)), true, false, 0, below(2) * 5'000};
    while (model.count(Role::voter) > 5 || model.count(Role::standby) > 2)
      for (auto& [id, node] : model.nodes)
        if (id != 1 && below(2) == 0) node.role = Role::spare;
    for (int event = 0; event < 40; event++) {
      const auto pick = std::next(model.nodes.begin(), std::ptrdiff_t(below(model.nodes.size())));
      auto& node = pick->second;
      switch (below(6)) {
        case 0:
          if (model.nodes.size() < 12) model.nodes[next++] = {};
          break;
        case 1:
          if (below(3) != 0) break;
          node.leaving = true;
          if (!node.role) model.nodes.erase(pick);
          break;
        case 2:
          if (node.up && pick->first != model.leader) {
            node.up = false;
            if (!model.majority()) node.up = true;  // Nothing helps without one.
            model.pass(kPolicy.fresh_ms + 1);       // Nobody can tell earlier.
          }
          break;
        case 3:
          node.up = true;
          break;
        default:
          model.step();
      }
      model.pass(below(20'000));
    }
    // Somebody stays.
    if (std::all_of(model.nodes.begin(), model.nodes.end(),
                    [](auto& n) { return n.second.leaving || !n.second.up; }))
      model.nodes[next++] = {};
    INFO("seed " << seed);
    model.settle();
    model.expect_table();
  }
}
