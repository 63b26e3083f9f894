// Shows that the network and its twin within one process keep one contract.
#include <catch2/catch.hpp>

#include "consensus/peer_join.hpp"
#include "consensus/peer_loopback.hpp"
#include "tests/consensus/support/peer_world.hpp"

using namespace muster;
using namespace muster::consensus;
using namespace muster::consensus::test;

namespace {

/// Three nodes n1, n2, n3 of the real network.
class Real {
public:
  Real() {
    for (const auto* name : {"n1", "n2", "n3"}) nodes_.push_back(std::make_unique<Node>(badge(name)));
  }
  Peers& peers(size_t i) { return **nodes_[i]; }
  Ears& ears(size_t i) { return nodes_[i]->ears; }
  Peer peer(size_t i) { return nodes_[i]->peer(); }
  bool eventually(const std::function<bool()>& condition) { return muster::eventually(condition); }
  Result<Envelope> join(size_t i, const std::string& body) {
    JoinCall call;
    call.address = peer(i).address;
    call.fingerprint = authority().fingerprint();
    call.now = [] { return kNow; };
    return call_to_join(call, {Kind::join, body});
  }

private:
  std::vector<std::unique_ptr<Node>> nodes_;
};

/// The same of loopbacks, which move when they are looked at.
class Twin {
public:
  Twin() {
    for (const auto* name : {"n1", "n2", "n3"}) {
      self_.push_back({name, std::string{name} + ":1", std::string{"key of "} + name});
      ears_.push_back(std::make_unique<Ears>());
      peers_.push_back(std::make_unique<PeerLoopback>(hub_, self_.back(), ears_.back()->events()));
    }
  }
  Peers& peers(size_t i) { return *peers_[i]; }
  Ears& ears(size_t i) { return *ears_[i]; }
  Peer peer(size_t i) { return self_[i]; }
  bool eventually(const std::function<bool()>& condition) {
    hub_.run();
    return condition();
  }
  Result<Envelope> join(size_t i, const std::string& body) {
    Result<Envelope> outcome = Error{"internal", "no answer"};
    hub_.call_to_join(self_[i].address, {}, {Kind::join, body},
                      [&](Result<Envelope> answer) { outcome = std::move(answer); });
    hub_.run();
    return outcome;
  }

private:
  PeerHub hub_;
  std::vector<Peer> self_;
  std::vector<std::unique_ptr<Ears>> ears_;
  std::vector<std::unique_ptr<PeerLoopback>> peers_;
};

template <class World>
void introduce(World& world) {
  for (size_t i = 0; i < 3; i++) world.peers(i).set_members({world.peer(0), world.peer(1), world.peer(2)});
}

}  // namespace

TEMPLATE_TEST_CASE("members get what members send, whole and in order", "", Real, Twin) {
  TestType world;
  introduce(world);
  std::vector<std::string> sent{"", std::string("\0\xff", 2)};
  for (int i = 0; i < 100; i++) sent.push_back(std::to_string(i));
  for (const auto& body : sent) world.peers(0).send("n2", {Kind::raft, body});
  const std::string large(kMaxEnvelope, 'x');
  world.peers(2).send("n2", {Kind::answer, large});
  REQUIRE(world.eventually([&] { return world.ears(1).bodies("n1") == sent; }));
  REQUIRE(world.eventually([&] { return world.ears(1).heard_from("n3", large); }));
  CHECK(world.ears(0).heard().empty());
}

TEMPLATE_TEST_CASE("a frame for nobody, for oneself, or beyond the limit is lost", "", Real, Twin) {
  TestType world;
  introduce(world);
  world.peers(0).send("n9", {Kind::raft, "nobody"});
  world.peers(0).send("n1", {Kind::raft, "oneself"});
  world.peers(0).send("n2", {Kind::raft, std::string(kMaxEnvelope + 1, 'x')});
  world.peers(0).send("n2", {Kind::raft, "last"});
  REQUIRE(world.eventually([&] { return world.ears(1).heard_from("n1", "last"); }));
  CHECK(world.ears(1).heard().size() == 1);
  CHECK(world.ears(0).heard().empty());
}

TEMPLATE_TEST_CASE("members that are known show how they are reached", "", Real, Twin) {
  TestType world;
  CHECK(world.peers(0).states().empty());
  introduce(world);
  world.peers(1).send("n1", {Kind::hello, "here"});
  CHECK(world.eventually([&] {
    auto states = world.peers(0).states();
    return states.size() == 2 && states["n2"].connected && states["n2"].heard &&
           states["n2"].last_heard_ms >= 0;
  }));
}

TEMPLATE_TEST_CASE("who is no member, or has another key, is neither heard nor reached", "", Real, Twin) {
  TestType world;
  auto other_key = world.peer(1);
  other_key.key = std::string(64, '0');
  world.peers(0).set_members({other_key, world.peer(2)});
  world.peers(1).set_members({world.peer(0), world.peer(2)});
  world.peers(2).set_members({world.peer(0), world.peer(1)});
  world.peers(1).send("n1", {Kind::raft, "who am I"});
  world.peers(0).send("n2", {Kind::raft, "who are you"});
  world.peers(2).send("n1", {Kind::raft, "known"});
  REQUIRE(world.eventually([&] { return world.ears(0).heard_from("n3", "known"); }));
  CHECK(world.ears(0).heard().size() == 1);
  CHECK(world.ears(1).heard().empty());
  CHECK_FALSE(world.peers(0).states()["n2"].connected);
}

TEMPLATE_TEST_CASE("a removed member is not heard until it is one again", "", Real, Twin) {
  TestType world;
  introduce(world);
  world.peers(1).send("n1", {Kind::raft, "one"});
  REQUIRE(world.eventually([&] { return world.ears(0).heard_from("n2", "one"); }));
  world.peers(0).set_members({world.peer(2)});
  CHECK(world.eventually([&] { return !world.peers(1).states()["n1"].connected; }));
  CHECK(world.peers(0).states().count("n2") == 0);
  introduce(world);
  REQUIRE(world.eventually([&] { return world.peers(1).states()["n1"].connected; }));
  world.peers(1).send("n1", {Kind::raft, "three"});
  CHECK(world.eventually([&] { return world.ears(0).heard_from("n2", "three"); }));
}

TEMPLATE_TEST_CASE("a stranger's join is answered", "", Real, Twin) {
  TestType world;
  const auto answer = world.join(0, "please");
  REQUIRE(answer);
  CHECK(answer->kind == Kind::joined);
  CHECK(answer->body == " said please");
}

TEST_CASE("a loopback that is cut loses frames until it is healed") {
  PeerHub hub;
  Ears ears;
  const Peer a{"a", "a:1", "ka"}, b{"b", "b:1", "kb"};
  PeerLoopback first{hub, a, {}}, second{hub, b, ears.events()};
  first.set_members({a, b});
  second.set_members({a, b});
  hub.cut("b", "a");
  first.send("b", {Kind::raft, "lost"});
  CHECK(hub.run() == 1);
  CHECK_FALSE(first.states()["b"].connected);
  hub.heal("a", "b");
  first.send("b", {Kind::raft, "kept"});
  CHECK(hub.waiting() == 1);
  hub.run();
  CHECK(ears.bodies("a") == std::vector<std::string>{"kept"});
}
