// Shows certificates that end, are renewed, and come from another authority while members are connected.
#include <atomic>

#include <catch2/catch.hpp>

#include "tests/consensus/support/peer_world.hpp"

using namespace muster;
using namespace muster::consensus;
using namespace muster::consensus::test;
using namespace std::chrono_literals;

namespace {

/// Two members that know each other, under one clock that the test moves.
struct Pair {
  explicit Pair(Time until = kNow + 24h)
    : n1{badge("n1", authority(), kNow - 1h, until), clock()},
      n2{badge("n2", authority(), kNow - 1h, until), clock()} {
    n1->set_members({n2.peer()});
    n2->set_members({n1.peer()});
  }
  std::function<void(PeerOptions&)> clock() {
    return [this](PeerOptions& options) { options.now = [this] { return Time{Millis{now.load()}}; }; };
  }
  [[nodiscard]] bool connected() const { return n1.reaches("n2") && n2.reaches("n1"); }
  /// Both hear each other now.
  bool talk(const std::string& words) {
    return eventually([&] {
      n1->send("n2", {Kind::raft, words});  // What is sent while a lane is dialled again may be lost.
      n2->send("n1", {Kind::raft, words});
      return n1.ears.heard_from("n2", words) && n2.ears.heard_from("n1", words);
    });
  }

  std::atomic<int64_t> now{kNow.time_since_epoch().count()};
  Node n1, n2;
};

}  // namespace

TEST_CASE("a certificate that expires while it is used ends the connection") {
  Pair pair{kNow + 1h};
  REQUIRE(pair.talk("before"));
  pair.now += Millis{2h}.count();
  CHECK(eventually([&] { return !pair.n1.reaches("n2") && !pair.n2.reaches("n1"); }));
  CHECK(
    eventually([&] { return pair.n1.ears.was_refused("expired") || pair.n2.ears.was_refused("expired"); }));
}

TEST_CASE("a certificate is renewed while members talk") {
  Pair pair{kNow + 1h};
  REQUIRE(pair.talk("before"));
  const auto& ca = authority();
  for (auto* node : {&pair.n1, &pair.n2})
    REQUIRE((*node)->set_credentials(credentials(node->who, ca, ca.certificate(), kNow - 1h, kNow + 48h)));
  REQUIRE(pair.talk("renewed"));
  REQUIRE(eventually([&] { return pair.connected(); }));
  pair.now += Millis{2h}.count();  // The first ones have ended.
  CHECK(pair.talk("after"));
}

TEST_CASE("frames that wait when a certificate is renewed are sent all the same, in order") {
  Pair pair;
  REQUIRE(eventually([&] { return pair.connected(); }));
  std::vector<std::string> sent;
  for (int i = 0; i < 1000; i++) {
    sent.push_back(std::to_string(i));
    pair.n1->send("n2", {Kind::raft, sent.back()});
    if (i == 500)
      REQUIRE(pair.n1->set_credentials(credentials(pair.n1.who, authority(), authority().certificate())));
  }
  CHECK(eventually([&] { return pair.n2.ears.bodies("n1") == sent; }));
}

TEST_CASE("the authority is changed while members talk, with both trusted in between") {
  Pair pair;
  REQUIRE(pair.talk("old"));
  const auto before = authority('a'), after = authority('b');
  const auto both = before.certificate() + after.certificate();
  const std::vector<Node*> nodes{&pair.n1, &pair.n2};
  for (auto* node : nodes) {
    REQUIRE((*node)->set_credentials(credentials(node->who, before, both)));
    CHECK(pair.talk("both trusted " + node->who.peer.node));
  }
  for (auto* node : nodes) {
    REQUIRE((*node)->set_credentials(credentials(node->who, after, both)));
    CHECK(pair.talk("new shown " + node->who.peer.node));
  }
  for (auto* node : nodes) {
    REQUIRE((*node)->set_credentials(credentials(node->who, after, after.certificate())));
    CHECK(pair.talk("new only " + node->who.peer.node));
  }
}

TEST_CASE("who still shows the old authority's certificate is cut off when that is no longer trusted") {
  Pair pair;
  REQUIRE(pair.talk("old"));
  const auto after = authority('b');
  REQUIRE(pair.n1->set_credentials(credentials(pair.n1.who, after, after.certificate())));
  REQUIRE(eventually([&] { return !pair.n1.reaches("n2") && !pair.n2.reaches("n1"); }));
  CHECK(eventually([&] { return pair.n1.ears.was_refused("another authority"); }));
  REQUIRE(pair.n2->set_credentials(credentials(pair.n2.who, after, after.certificate())));
  CHECK(pair.talk("new"));
}

TEST_CASE("credentials that cannot be used are refused, and everything stays as it was") {
  Pair pair;
  REQUIRE(pair.talk("before"));
  auto mixed = pair.n1.who.credentials;
  mixed.key = pair.n2.who.credentials.key;
  const auto refused = pair.n1->set_credentials(mixed);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "config.invalid");
  CHECK_FALSE(pair.n1->set_credentials({"", "", "no certificate"}));
  CHECK_FALSE(pair.n1->set_credentials({"no certificate", mixed.key, mixed.trust}));
  CHECK(pair.talk("after"));
}
