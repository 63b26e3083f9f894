// Whole systems that reach each other through peerings, in one process; each has a wall clock of its own.
#include "actors/peering.hpp"

#include "tests/support/members.hpp"

using namespace muster;
using namespace std::chrono_literals;

TEST_CASE(
  "a leader whose clock runs away from the others' hands leadership on, and follows until it is right") {
  Members cluster{3};
  REQUIRE(muster::eventually([&] { return cluster.voters() == 3; }));
  auto* wrong = cluster.leader();
  REQUIRE(wrong);
  CHECK(wrong->peering->may_lead());
  wrong->ahead_ms = 60'000;
  REQUIRE(muster::eventually([&] {
    auto* now = cluster.leader();
    return now && now != wrong;
  }));
  const auto clock = wrong->peering->clock();
  REQUIRE(clock.off);
  CHECK(clock.off->count() == Approx(60'000).margin(2'000));
  CHECK_FALSE(clock.may_lead);
  for (const auto& member : cluster.members) {
    if (member.get() == wrong) continue;
    CHECK(member->peering->may_lead());
    const auto seen = member->peering->members()[wrong->name()];
    REQUIRE(seen.hello);
    CHECK(seen.clock_ahead.count() == Approx(60'000).margin(5'000));
  }
  wrong->ahead_ms = 0;
  CHECK(muster::eventually([&] { return wrong->peering->may_lead(); }));
}

TEST_CASE("of two, of which one votes, the clock that differs stops nobody") {
  Members cluster{2};
  REQUIRE(muster::eventually([&] {
    const auto members = cluster.members[0]->system->members();
    return members && members->size() == 2;
  }));
  cluster.members[0]->ahead_ms = 60'000;
  REQUIRE(muster::eventually([&] {
    const auto seen = cluster.members[1]->peering->members()["n1"];
    return seen.hello && seen.clock_ahead > 50s;
  }));
  CHECK(cluster.members[0]->peering->may_lead());
  CHECK(cluster.members[0]->leads());
}

namespace {

/// What `asked` answers to somebody who shows a certificate of that node and key (or none), and asks whether
/// it is a member.
JoinAnswer answer_of(Member& asked, const std::string& node, const std::string& key, bool certified = true) {
  JoinRequest request;
  request.node = node;
  request.key = key;
  request.asks = true;
  auto told = std::make_shared<std::promise<std::string>>();
  auto answer = told->get_future();
  asked.peering->stranger({certified ? node : "", certified ? key : "", "127.0.0.1:1"},
                          {consensus::Kind::join, to_json_text(request)},
                          [told](const consensus::Envelope& envelope) { told->set_value(envelope.body); });
  REQUIRE(answer.wait_for(60s) == std::future_status::ready);
  const auto read = from_json_text<JoinAnswer>(answer.get());
  REQUIRE(read);
  return *read;
}

/// The same, once somebody leads and can say.
JoinAnswer verdict_of(Member& asked, const std::string& node, const std::string& key) {
  JoinAnswer answer;
  REQUIRE(muster::eventually([&] {
    answer = answer_of(asked, node, key);
    return answer.code.empty() || answer.code == "member.removed";
  }));
  return answer;
}

}  // namespace

TEST_CASE("whoever leads says who is a member still, and who is none any more") {
  Members cluster{3};
  REQUIRE(muster::eventually([&] { return cluster.voters() == 3; }));
  auto& follower = *cluster.members[1];
  CHECK(verdict_of(follower, "n3", key_of("n3")).code.empty());
  CHECK(verdict_of(follower, "n3", key_of("another key")).code == "member.removed");
  CHECK(answer_of(follower, "n3", key_of("n3"), false).code == "join.refused");
  cluster.ask(cluster::Command{cluster::Leave{"n3"}});
  REQUIRE(
    muster::eventually([&] { return verdict_of(follower, "n3", key_of("n3")).code == "member.removed"; }));
  const auto told = verdict_of(follower, "n3", key_of("n3"));
  CHECK(told.detail.find("it was removed at") != std::string::npos);
  CHECK_FALSE(told.cluster.empty());
  CHECK(verdict_of(follower, "n2", key_of("n2")).code.empty());
}

TEST_CASE("a member without a log knows who leads, asks there, and learns who the members are") {
  consensus::MembershipPolicy one;
  one.max_voters = 1;
  one.max_standbys = 0;
  Members cluster{2, one};
  auto& spare = *cluster.members[1]->peering;
  REQUIRE(muster::eventually([&] { return spare.without_log(); }));
  CHECK(spare.leader_elsewhere());
  CHECK(spare.follows_closely());
  CHECK_FALSE(spare.may_lead());
  auto told = std::make_shared<std::promise<Result<uint64_t>>>();
  spare.barrier([told](Result<uint64_t> seq) { told->set_value(std::move(seq)); });
  const auto seq = told->get_future().get();
  REQUIRE(seq);
  CHECK(*seq > 0);
  CHECK(cluster.members[1]->system->gauges().seq == 0);
  CHECK_FALSE(cluster.members[0]->peering->without_log());
  cluster.join(entry_of("n9"));
  CHECK(muster::eventually([&] { return spare.roster().size() == 3; }));
}
