// Whole systems that reach each other through peerings, in one process; each has a wall clock of its own.
#include "actors/peering.hpp"

#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "actors/joining.hpp"
#include "consensus/peer_loopback.hpp"
#include "events/log/memory_disk.hpp"
#include "support/test_keys.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

std::string key_of(const std::string& name) {
  return sha256_hex(name);
}

RosterEntry entry_of(const std::string& name) {
  return {name, member_id(name, key_of(name)), name + ":1", "http://" + name, key_of(name)};
}

/// One member of a cluster that n1 founds.
class Member {
public:
  Member(consensus::PeerHub& hub, const std::string& name, const std::vector<RosterEntry>& all,
         const consensus::MembershipPolicy& policy)
    : name_(name) {
    const auto self = entry_of(name);
    PeeringOptions talk;
    talk.self.node = name;
    talk.self.boot = name + "-boot";
    talk.self.feature_level = kFeatureLevel;
    talk.self.id = self.id;
    talk.self.address = self.address;
    talk.self.url = self.url;
    talk.self.key = self.key;
    talk.roster = all;
    talk.policy = policy;
    talk.now = [this] { return now(); };
    peering = std::make_unique<Peering>(std::move(talk));
    consensus::PeerEvents events;
    events.received = [this](const std::string& from, consensus::Envelope envelope) {
      peering->received(from, std::move(envelope));
    };
    events.stranger = [this](const consensus::Stranger& who, consensus::Envelope envelope, auto answer) {
      peering->stranger(who, std::move(envelope), std::move(answer));
    };
    network = std::make_unique<consensus::PeerLoopback>(hub, consensus::Peer{name, self.address, self.key},
                                                        std::move(events));
    SystemOptions options;
    options.node = name;
    options.version = "0";
    options.self = self.id;
    options.address = name;
    options.member_address = self.address;
    options.url = self.url;
    options.key = self.key;
    options.boot = name + "-boot";
    options.takes_lease = true;
    options.found = name == "n1";
    options.timing.election_ms = 500;
    options.now = [this] { return now(); };
    options.send = [this](consensus::MemberId to, std::string frame) { peering->send(to, std::move(frame)); };
    options.ticked = [this] { peering->tick(); };
    options.may_lead = [this] { return peering->may_lead(); };
    options.on_lines = [this](const auto&, const auto&) { peering->folded(); };
    auto made = System::make(disk, keys, std::move(options));
    REQUIRE(made);
    system = std::move(*made);
    peering->attach(*system, *network, {});
    system->open();
  }
  ~Member() {
    peering->stop();
    system->stop(100ms);
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  [[nodiscard]] Time now() const { return system_now() + Millis{ahead_ms.load()}; }
  [[nodiscard]] bool leads() const { return system->ready() && system->gauges().leading; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] uint64_t id() const { return entry_of(name_).id; }

  std::atomic<int64_t> ahead_ms{0};
  log::MemoryDisk disk;
  Keys keys = test_keys();
  std::unique_ptr<Peering> peering;
  std::unique_ptr<consensus::PeerLoopback> network;
  std::unique_ptr<System> system;

private:
  const std::string name_;
};

/// n1, n2 and so on, which find each other as joiners do: n1 lets them in.
class Members {
public:
  explicit Members(int count, const consensus::MembershipPolicy& policy = {}) {
    std::vector<RosterEntry> all;
    for (int i = 1; i <= count; i++) all.push_back(entry_of("n" + std::to_string(i)));
    for (const auto& one : all) members.push_back(std::make_unique<Member>(hub, one.node, all, policy));
    carrier = std::thread{[this] {
      while (!ending) {
        hub.run();
        std::this_thread::yield();
      }
    }};
    REQUIRE(eventually([&] { return members[0]->leads(); }));
    for (size_t i = 1; i < members.size(); i++) join(entry_of(members[i]->name()));
  }
  ~Members() {
    for (auto& member : members) member->peering->stop();
    ending = true;
    carrier.join();
    members.clear();
  }

  void join(const RosterEntry& who) {
    cluster::Join join;
    join.member = {who.node, who.id, who.address, who.url, who.key, ""};
    join.holds_key = true;
    ask(cluster::Command{std::move(join)});
  }
  /// Of whoever leads by then; until it is done.
  void ask(const cluster::Command& command) {
    REQUIRE(eventually([&] {
      auto* asked = leader();
      if (!asked) return false;
      auto told = std::make_shared<std::promise<bool>>();
      asked->system->ask(cluster::Command{command}, {}, Answer{[told](const Result<Receipt>& outcome) {
                           told->set_value(outcome || outcome.error().code == "member.unknown");
                         }});
      return told->get_future().get();
    }));
  }

  template <class Condition>
  static bool eventually(Condition condition, std::chrono::seconds within = 60s) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  [[nodiscard]] size_t voters() const {
    size_t voters = 0;
    if (const auto all = members[0]->system->members())
      for (const auto& one : *all) voters += one.role == consensus::Role::voter ? 1 : 0;
    return voters;
  }
  [[nodiscard]] Member* leader() const {
    for (const auto& member : members)
      if (member->leads()) return member.get();
    return nullptr;
  }

  consensus::PeerHub hub;
  std::atomic<bool> ending{false};
  std::thread carrier;
  std::vector<std::unique_ptr<Member>> members;
};

}  // namespace

TEST_CASE(
  "a leader whose clock runs away from the others' hands leadership on, and follows until it is right") {
  Members cluster{3};
  REQUIRE(Members::eventually([&] { return cluster.voters() == 3; }));
  auto* wrong = cluster.leader();
  REQUIRE(wrong);
  CHECK(wrong->peering->may_lead());
  wrong->ahead_ms = 60'000;
  REQUIRE(Members::eventually([&] {
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
  CHECK(Members::eventually([&] { return wrong->peering->may_lead(); }));
}

TEST_CASE("of two, of which one votes, the clock that differs stops nobody") {
  Members cluster{2};
  REQUIRE(Members::eventually([&] {
    const auto members = cluster.members[0]->system->members();
    return members && members->size() == 2;
  }));
  cluster.members[0]->ahead_ms = 60'000;
  REQUIRE(Members::eventually([&] {
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
  REQUIRE(Members::eventually([&] {
    answer = answer_of(asked, node, key);
    return answer.code.empty() || answer.code == "member.removed";
  }));
  return answer;
}

}  // namespace

TEST_CASE("whoever leads says who is a member still, and who is none any more") {
  Members cluster{3};
  REQUIRE(Members::eventually([&] { return cluster.voters() == 3; }));
  auto& follower = *cluster.members[1];
  CHECK(verdict_of(follower, "n3", key_of("n3")).code.empty());
  CHECK(verdict_of(follower, "n3", key_of("another key")).code == "member.removed");
  CHECK(answer_of(follower, "n3", key_of("n3"), false).code == "join.refused");
  cluster.ask(cluster::Command{cluster::Leave{"n3"}});
  REQUIRE(
    Members::eventually([&] { return verdict_of(follower, "n3", key_of("n3")).code == "member.removed"; }));
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
  REQUIRE(Members::eventually([&] { return spare.without_log(); }));
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
  CHECK(Members::eventually([&] { return spare.roster().size() == 3; }));
}
