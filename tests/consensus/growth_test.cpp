// Voters that come and go while their leader is killed at any message: whoever can be elected is (rule 13).
#include <catch2/catch.hpp>

#include "consensus/wire.hpp"
#include "support/cluster.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

enum class Then : uint8_t { leader_returns, leader_stays_dead, another_dies };

struct Target {
  MemberId id;
  Role role;
};

/// Changes one member at a time, whoever leads, until all are as wanted.
class Changes {
public:
  Changes(Cluster& cluster, std::vector<Target> wanted) : cluster_(cluster), wanted_(std::move(wanted)) {}
  void go_on() {
    auto* leading = cluster_.leader();
    const auto now_ms = cluster_.clock.now();
    uint64_t index = 0;
    if (leading && now_ms >= propose_at_ && leading->replica->propose("x" + std::to_string(now_ms), index))
      propose_at_ = now_ms + 20;
    if (leading == nullptr || done_ == wanted_.size()) return;
    const auto [id, role] = wanted_[done_];
    const auto now = cluster_.role_of(id);
    if (now == role)
      done_++;
    else if (!now)
      (void)leading->replica->add({id, "n" + std::to_string(id), Role::spare});
    else if (id == leading->id)
      (void)leading->replica->transfer(0);
    else
      (void)leading->replica->assign(id, role);
  }
  /// All are as wanted, and for a while.
  [[nodiscard]] bool done() {
    if (done_ < wanted_.size()) since_ = cluster_.clock.now();
    return cluster_.clock.now() >= since_ + 300;
  }

private:
  Cluster& cluster_;
  const std::vector<Target> wanted_;
  size_t done_ = 0;
  uint64_t since_ = 0, propose_at_ = 0;
};

struct Run {
  MemberId voters = 1;
  std::vector<Target> wanted;
  Rules rules{};
};

/// How many messages the leader sends until all is as wanted; nobody is killed.
uint64_t messages(const Run& run) {
  Cluster cluster{run.voters, {.seed = 1, .rules = run.rules}};
  for (MemberId id = run.voters + 1; id <= 3; id++) cluster.start(id, {});
  uint64_t sent = 0;
  cluster.on_send = [&](MemberId from, MemberId, const std::string&) {
    return sent += cluster.leader() && cluster.leader()->id == from, true;
  };
  Changes changes{cluster, run.wanted};
  cluster.await([&] { return changes.go_on(), changes.done(); });
  return sent;
}

/// Kills the leader at its message number `at`. Empty when all is well, else what is not.
std::string kill(const Run& run, uint64_t at, uint64_t seed, Then then) {
  Cluster cluster{run.voters, {.seed = seed, .rules = run.rules}};
  cluster.commit(int(seed % 5));
  for (MemberId id = run.voters + 1; id <= 3; id++) cluster.start(id, {});
  for (auto& [id, node] : cluster.nodes) node->slow_disk_ms = unsigned(cluster.chance() % 4);
  MemberId killed = 0;
  uint64_t sent = 0;
  cluster.on_send = [&](MemberId from, MemberId, const std::string&) {
    if (killed == 0 && cluster.leader() && cluster.leader()->id == from && ++sent == at) {
      killed = from;
      cluster.clock.later(0, [&] { cluster.crash(killed); });
      return seed % 3 == 0;  // It was on its way already, or not.
    }
    return from != killed;
  };
  Changes changes{cluster, run.wanted};
  const bool died =
    cluster.reached_within(20'000, [&] { return changes.go_on(), killed != 0 || changes.done(); });
  if (!died) return "the changes did not end";
  cluster.run_for(cluster.chance() % 300);
  if (killed == 0) return {};
  if (then == Then::another_dies) cluster.crash(killed % 3 + 1);
  if (then != Then::leader_stays_dead) {
    cluster.run_for(cluster.chance() % 3'000);
    killed = 0;
    cluster.on_send = nullptr;
    for (auto& [id, node] : cluster.nodes)
      if (then == Then::leader_returns) cluster.restart(id);
    if (then == Then::another_dies)
      for (auto& [id, node] : cluster.nodes)
        if (!node->replica) {
          cluster.restart(id);
          break;
        }
  }
  if (cluster.reached_within(20'000, [&] { return cluster.leader() != nullptr; })) return {};
  if (then == Then::leader_returns || cluster.electable()) return "nobody leads";
  return {};
}

/// Every message, with as many seeds as make a thousand runs; the first failures.
std::vector<std::string> failures(const Run& run, size_t stop_after = 1) {
  std::vector<std::string> found;
  const auto last = 2 * messages(run);  // Slow disks and lost time make them more.
  REQUIRE(last > 0);
  REQUIRE(last <= 1000);  // Or some messages would never be tried.
  for (uint64_t n = 0; n < 1000 && found.size() < stop_after; n++)
    for (const auto then : {Then::leader_returns, Then::leader_stays_dead, Then::another_dies}) {
      const auto at = n % last + 1;
      if (auto wrong = kill(run, at, n + 1, then); !wrong.empty())
        found.push_back("message " + std::to_string(at) + ", seed " + std::to_string(n + 1) + ", case " +
                        std::to_string(int(then)) + ": " + wrong);
    }
  return found;
}

const Run kGrow{1, {{2, Role::standby}, {3, Role::standby}, {2, Role::voter}, {3, Role::voter}}};
const Run kShrink{3, {{3, Role::standby}, {2, Role::standby}}};

}  // namespace

TEST_CASE("growing from one voter to three with the leader killed at any message leaves one who leads") {
  CHECK(failures(kGrow) == std::vector<std::string>{});
}

TEST_CASE("shrinking from three voters to one with the leader killed at any message leaves one who leads") {
  CHECK(failures(kShrink) == std::vector<std::string>{});
}

TEST_CASE("without the vote of who does not know of it, and with changes not held back, nobody may lead") {
  auto grow = kGrow;
  grow.rules.lent_votes = false;
  CHECK_FALSE(failures(grow).empty());
  auto shrink = kShrink;
  shrink.rules.held_changes = false;
  CHECK_FALSE(failures(shrink).empty());
}
