// Shows who is refused by the members' network, that he is told why, and that nobody stands in a member's
// way.
#include <catch2/catch.hpp>

#include "tests/consensus/support/peer_world.hpp"
#include "tests/consensus/support/raw_peer.hpp"

using namespace muster;
using namespace muster::consensus;
using namespace muster::consensus::test;

namespace {

bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

std::string refusal_of(Node& node, const PeerCredentials& credentials) {
  RawPeer caller{node->port()};
  REQUIRE(caller.secure(credentials));
  caller.open();
  return caller.refusal();
}

std::string frame(Kind kind, std::string_view body) {
  std::string out;
  append_frame(out, static_cast<uint8_t>(kind), body);
  return out;
}

}  // namespace

TEST_CASE("who is no member is refused, and told why") {
  const auto member = badge("n2");
  Node n1{badge("n1")};
  n1->set_members({member.peer});
  const auto foreign = badge("n2", authority('z'));
  const auto long_ago = kNow - std::chrono::hours{48};
  const auto expired = credentials(member, authority(), authority().certificate(), long_ago, kNow);
  const auto early =
    credentials(member, authority(), authority().certificate(), kNow + std::chrono::seconds{1});
  CHECK(contains(refusal_of(n1, {}), "no certificate"));
  CHECK(contains(refusal_of(n1, foreign.credentials), "another authority"));
  CHECK(contains(refusal_of(n1, expired), "expired"));
  CHECK(contains(refusal_of(n1, early), "not valid yet"));
  CHECK(contains(refusal_of(n1, badge("n3").credentials), "n3 is no member"));
  CHECK(contains(refusal_of(n1, badge("n2").credentials), "another key"));
  CHECK(contains(refusal_of(n1, n1.who.credentials), "own id"));
  CHECK(n1->stats().refused == 7);
  CHECK(n1.ears.was_refused("another authority"));
  CHECK(n1.ears.heard().empty());
  RawPeer welcome{n1->port()};
  REQUIRE(welcome.secure(member.credentials));
  REQUIRE(welcome.open());
  CHECK(welcome.next_said()->kind == static_cast<uint8_t>(Inner::welcome));
}

TEST_CASE("a certificate that the authority did not mean for a node is refused") {
  const auto member = badge("n2");
  Node n1{badge("n1")};
  n1->set_members({member.peer});
  // Signed by a member, who is no authority.
  auto forged = badge("n2", authority('z'));
  forged.credentials.chain += member.credentials.chain;
  CHECK(contains(refusal_of(n1, forged.credentials), "another authority"));
}

TEST_CASE("the dialling side refuses a wrong certificate, too") {
  const auto expected = badge("n2");
  const auto dial = [&](const PeerCredentials& shown, const std::string& words) {
    RawListener listener{shown};
    Node n1{badge("n1")};
    auto peer = expected.peer;
    peer.address = listener.address();
    n1->set_members({peer});
    auto lane = listener.accept();
    CHECK_FALSE(lane.next());  // It says nothing to a stranger.
    CHECK(eventually([&] { return n1.ears.was_refused(words); }));
    CHECK_FALSE(n1.reaches("n2"));
    CHECK(eventually([&] { return contains(n1->states()["n2"].trouble, words); }));
  };
  dial(badge("n2", authority('z')).credentials, "another authority");
  dial(badge("n3").credentials, "there is n3");
  dial(badge("n2").credentials, "another key");
  dial(credentials(expected, authority(), "", kNow - std::chrono::hours{2}, kNow - std::chrono::hours{1}),
       "expired");
}

TEST_CASE("a member that is removed is cut off, and not heard again") {
  Node n1{badge("n1")}, n2{badge("n2")};
  n1->set_members({n2.peer()});
  n2->set_members({n1.peer()});
  REQUIRE(eventually([&] { return n1.reaches("n2") && n2.reaches("n1"); }));
  n1->set_members({});
  n2->send("n1", {Kind::raft, "still here"});
  REQUIRE(eventually([&] { return n2.ears.was_refused("n2 is no member"); }));
  CHECK(n1->states().empty());
  n1->send("n2", {Kind::raft, "nor that"});
  CHECK(n1.ears.heard().empty());
  CHECK(n2.ears.heard().empty());
  n1->set_members({n2.peer()});
  CHECK(eventually([&] { return n1.reaches("n2") && n2.reaches("n1"); }));
}

TEST_CASE("a second process with the same id and key is refused while the first one lives") {
  const auto twice = badge("n2");
  Node n1{badge("n1")}, first{twice};
  n1->set_members({first.peer()});
  first->set_members({n1.peer()});
  REQUIRE(eventually([&] { return n1.reaches("n2") && first.reaches("n1"); }));
  Node second{twice};
  second->set_members({n1.peer()});
  REQUIRE(eventually(
    [&] { return second.ears.was_refused("another process with the id and key of n2 is alive"); }));
  CHECK_FALSE(second.reaches("n1"));
  CHECK(first.reaches("n1"));
  first->send("n1", {Kind::raft, "first"});
  second->send("n1", {Kind::raft, "second"});
  REQUIRE(eventually([&] { return n1.ears.heard_from("n2", "first"); }));
  CHECK_FALSE(n1.ears.heard_from("n2", "second"));
  first.stop();
  CHECK(eventually([&] { return second.reaches("n1"); }));
}

TEST_CASE("a process whose connection is dead gives way to the next") {
  const auto crashed = badge("n2");
  Node n1{badge("n1"),
          [](PeerOptions& options) { options.limits.probe_timeout = std::chrono::milliseconds{50}; }};
  auto nowhere = crashed.peer;
  nowhere.address = "127.0.0.1:1";
  n1->set_members({nowhere});
  RawPeer silent{n1->port()};  // It keeps its connection, and never answers.
  REQUIRE(silent.secure(crashed.credentials));
  REQUIRE(silent.open());
  REQUIRE(silent.next_said()->kind == static_cast<uint8_t>(Inner::welcome));
  Node restarted{crashed};
  restarted->set_members({n1.peer()});
  REQUIRE(eventually([&] { return restarted.reaches("n1"); }));
  CHECK(silent.closed());
}

TEST_CASE("bytes that are no frames close the connection") {
  const auto member = badge("n2");
  Node n1{badge("n1")};
  n1->set_members({member.peer});
  RawPeer clear{n1->port()};
  CHECK(clear.send_clear("GET / HTTP/1.1\r\n\r\n"));
  CHECK(clear.closed());
  const std::string lies[] = {
    {'\x7f', '\xff', '\xff', '\xff', '\x06'},  // Two gigabytes of it.
    {0, 0, 0, 0},                              // Not even a kind.
    frame(Kind::raft, "before the opening"),
    frame_of(Inner::open, "not an opening"),
    frame_of(Inner::open, std::string(kMaxOpening + 1, 'x')),
    frame(Kind::join, std::string(kMaxJoin + 1, 'x')),
  };
  for (const auto& lie : lies) {
    RawPeer liar{n1->port()};
    REQUIRE(liar.secure(member.credentials));
    REQUIRE(liar.send(lie));
    liar.next_said();  // A refusal, or nothing.
    CHECK(liar.closed());
  }
  CHECK(
    eventually([&] { return n1->stats().refused == 1 + std::size(lies); }));  // Counted after it is closed.
  CHECK(n1.ears.heard().empty());
}

TEST_CASE("a member whose frame is larger than its lane allows is cut off") {
  const auto member = badge("n2");
  Node n1{badge("n1")};
  n1->set_members({member.peer});
  for (const auto lane : {Lane::urgent, Lane::bulk}) {
    RawPeer liar{n1->port()};
    REQUIRE(liar.secure(member.credentials));
    REQUIRE(liar.open(lane));
    REQUIRE(liar.next_said()->kind == static_cast<uint8_t>(Inner::welcome));
    const auto limit = lane == Lane::urgent ? kMaxUrgent : kMaxEnvelope;
    REQUIRE(liar.send(frame(Kind::raft, "fits")));
    liar.send(frame(Kind::raft, std::string(limit + 1, 'x')));
    CHECK(liar.closed());
  }
  CHECK(n1.ears.bodies("n2") == std::vector<std::string>{"fits", "fits"});
}

TEST_CASE("who is slow to say who he is has to leave") {
  Node n1{badge("n1"),
          [](PeerOptions& options) { options.limits.handshake_timeout = std::chrono::milliseconds{100}; }};
  RawPeer silent{n1->port()}, slow{n1->port()};
  REQUIRE(slow.secure());
  REQUIRE(slow.send(std::string_view{"\0\0", 2}));
  CHECK(silent.closed());
  CHECK(contains(slow.refusal(), "in time"));
  CHECK(slow.closed());
}

TEST_CASE("callers who say nothing do not keep a member out") {
  const auto change = [](PeerOptions& options) { options.limits.max_pending = 8; };
  Node n1{badge("n1"), change}, n2{badge("n2")};
  std::vector<RawPeer> crowd;
  for (int i = 0; i < 50; i++) crowd.emplace_back(n1->port());
  n1->set_members({n2.peer()});
  n2->set_members({n1.peer()});
  REQUIRE(eventually([&] { return n2.reaches("n1") && n1.reaches("n2"); }));
  CHECK(n1->stats().evicted >= 40);
  CHECK(crowd.front().closed());
}

TEST_CASE("callers from unknown places are hung up on when they are many, and members are not") {
  Node n1{badge("n1"), [](PeerOptions&options) { options.limits.handshakes_per_second = 1; }},
    n2{badge("n2")};
  n1->set_members({n2.peer()});
  std::vector<RawPeer> crowd;
  for (int i = 0; i < 50; i++) crowd.emplace_back(n1->port(), uint8_t{9});
  REQUIRE(eventually([&] { return n1.ears.was_refused("too many call"); }));
  n2->set_members({n1.peer()});
  CHECK(eventually([&] { return n2.reaches("n1") && n1.reaches("n2"); }));
  CHECK(eventually([&] { return n1->stats().refused > 20; }));
}

TEST_CASE("the same refusal is told once in a while, and counted each time") {
  Node n1{badge("n1")};
  for (int i = 0; i < 5; i++) CHECK(contains(refusal_of(n1, badge("n3").credentials), "no member"));
  CHECK(n1.ears.refusals() == std::vector<std::string>{"127.0.0.1: n3 is no member"});
  CHECK(n1->stats().refused == 5);
}
