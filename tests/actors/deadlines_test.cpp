// Deadlines in virtual time: silence, the lease, expiry.
#include <catch2/catch.hpp>

#include "actors/lease.hpp"
#include "actors/nodes.hpp"
#include "actors/sweeping.hpp"
#include "tests/actors/actor_world.hpp"

using namespace muster;
using namespace muster::actors;
using namespace std::chrono_literals;

namespace {

struct NodesWorld : DomainWorld<NodesDomain> {
  NodesWorld() {
    RegistryDeps registry_deps{deps(), 30s, beats, [this](const nodes::Command&) { heard++; }};
    domain = system.spawn(registry, registry_deps);
    lead();
  }
  void add(const std::string& node) {
    nodes::Registered record;
    record.node = node;
    REQUIRE(ask(nodes::Register{record}));
  }
  bool beat(const std::string& node, const std::string& role = "worker") {
    return static_cast<bool>(ask(nodes::Heartbeat{{node, role, {}, {}}}));
  }
  template <class E>
  [[nodiscard]] size_t count() const {
    return static_cast<size_t>(std::count_if(committed->begin(), committed->end(),
                                             [](const auto& e) { return std::holds_alternative<E>(e); }));
  }
  std::shared_ptr<Beats> beats = std::make_shared<Beats>();
  int heard = 0;
};

struct LeaseWorld : DomainWorld<LeaseDomain> {
  LeaseWorld() {
    domain = system.spawn(lease_actor, LeaseDeps{deps(), 45s, std::make_shared<Beats>()});
    lead();
  }
  Json claim(const std::string& node) {
    auto outcome = ask(lease::Claim{node, "http://" + node, false});
    REQUIRE(outcome);
    return Json::parse(outcome->result);
  }
};

}  // namespace

TEST_CASE_METHOD(NodesWorld, "a node is silent once nothing was heard of it for a whole TTL", "[S1-17]") {
  add("n1");
  beat("n1");
  advance(29s);
  CHECK(count<nodes::Silent>() == 0);
  advance(3s);
  REQUIRE(count<nodes::Silent>() == 1);
  advance(5min);
  CHECK(count<nodes::Silent>() == 1);
}

TEST_CASE_METHOD(NodesWorld, "a heartbeat that changes nothing refreshes the deadline and is no event",
                 "[S2-59]") {
  add("n1");
  beat("n1");
  const auto before = committed->size();
  for (int i = 0; i < 20; i++) {
    advance(20s);
    CHECK(beat("n1"));
  }
  CHECK(committed->size() == before);
  CHECK(heard == 22);
}

TEST_CASE_METHOD(NodesWorld, "a silent node that is heard again has returned", "[S1-16][S1-17]") {
  add("n1");
  beat("n1");
  advance(40s);
  CHECK(beat("n1"));
  CHECK(count<nodes::Returned>() == 1);
  advance(29s);
  CHECK(count<nodes::Silent>() == 1);
}

TEST_CASE_METHOD(NodesWorld, "a new leader gives every node one full TTL") {
  add("n1");
  beat("n1");
  advance(29s);
  auto state = nodes::State{};
  for (const auto& event : *committed)
    std::visit(
      [&](const auto& e) {
        if constexpr (requires { evolve(nodes::State{}, e); }) state = evolve(std::move(state), e);
      },
      event);
  caf::anon_send(domain, unlead_atom::value);
  lead(state);
  advance(29s);
  CHECK(count<nodes::Silent>() == 0);
  advance(3s);
  CHECK(count<nodes::Silent>() == 1);
}

TEST_CASE_METHOD(NodesWorld, "a forgotten node never falls silent, and registers again when it comes back",
                 "[S1-14]") {
  add("n1");
  beat("n1");
  REQUIRE(ask(nodes::Forget{"n1"}));
  CHECK(ask(nodes::Forget{"n1"}).error().code == "node.unknown");
  advance(60s);
  CHECK(count<nodes::Silent>() == 0);
  CHECK_FALSE(beat("n1"));
  add("n1");
  CHECK(beat("n1"));
}

TEST_CASE_METHOD(NodesWorld, "a domain that does not lead refuses, and the caller may retry") {
  caf::anon_send(domain, unlead_atom::value);
  settle();
  const auto refused = ask(nodes::Heartbeat{{"n1", "", {}, {}}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "leader.starting");
  CHECK_FALSE(refused.error().outcome_unknown);
}

TEST_CASE_METHOD(LeaseWorld, "the next claimant wins a lease that its holder did not renew for a TTL",
                 "[S2-52][S2-60]") {
  CHECK(claim("n1")["granted"] == true);
  advance(44s);
  CHECK(claim("n2")["granted"] == false);
  advance(2s);
  const auto granted = claim("n2");
  CHECK(granted["granted"] == true);
  CHECK(granted["epoch"] == 2);
}

TEST_CASE_METHOD(LeaseWorld, "claiming again renews the lease and keeps the epoch", "[S2-60]") {
  CHECK(claim("n1")["epoch"] == 1);
  for (int i = 0; i < 10; i++) {
    advance(40s);
    CHECK(claim("n1")["epoch"] == 1);
  }
  CHECK(committed->size() == 1);
}

TEST_CASE_METHOD(LeaseWorld, "a lease that lapses is an event even when nobody claims it", "[S1-20][S2-61]") {
  claim("n1");
  advance(46s);
  REQUIRE(committed->size() == 2);
  CHECK(std::get<lease::Lapsed>(committed->back()).node == "n1");
}

TEST_CASE("an open claim expires at its time, and not before", "[S1-25]") {
  DomainWorld<ClaimsDomain> world;
  world.domain = world.system.spawn(sweeping<ClaimsDomain, claims::Sweep>, world.deps());
  world.lead();
  REQUIRE(world.ask(claims::Open{"c1", "hash", world.now() + 60s}));
  world.advance(59s);
  CHECK(world.committed->size() == 1);
  world.advance(3s);
  REQUIRE(world.committed->size() == 2);
  CHECK(std::holds_alternative<claims::Expired>(world.committed->back()));
}
