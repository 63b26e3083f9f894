// Shows the members' network: frames arrive by both lanes, also after a restart, and never fill the memory.
#include "consensus/peer_network.hpp"

#include <atomic>

#include <catch2/catch.hpp>

#include "tests/consensus/support/peer_world.hpp"
#include "tests/consensus/support/raw_peer.hpp"

using namespace muster;
using namespace muster::consensus;
using namespace muster::consensus::test;

namespace {

void know_each_other(const std::vector<Node*>& nodes) {
  std::vector<Peer> members;
  for (const auto* node : nodes) members.push_back(node->peer());
  for (auto* node : nodes) (*node)->set_members(members);
}

}  // namespace

TEST_CASE("two members exchange small and large frames") {
  Node n1{badge("n1")}, n2{badge("n2")};
  know_each_other({&n1, &n2});
  const std::string large(kMaxEnvelope, 'x');
  n1->send("n2", {Kind::raft, "small"});
  n1->send("n2", {Kind::ask, large});
  n2->send("n1", {Kind::beats, ""});
  REQUIRE(eventually([&] { return n2.ears.heard().size() == 2 && n1.ears.heard().size() == 1; }));
  CHECK(n2.ears.heard_from("n1", "small"));
  CHECK(n2.ears.heard_from("n1", large));
  CHECK(n1.ears.heard().front().second.kind == Kind::beats);
  REQUIRE(eventually([&] { return n1->states()["n2"].rtt_us >= 0 && n1.reaches("n2"); }));
  CHECK(n1->states()["n2"].trouble.empty());
}

TEST_CASE("three members hear each other, and each knows who spoke") {
  Node n1{badge("n1")}, n2{badge("n2")}, n3{badge("n3")};
  const std::vector<Node*> all{&n1, &n2, &n3};
  know_each_other(all);
  for (auto* from : all)
    for (auto* to : all)
      if (from != to) (*from)->send(to->who.peer.node, {Kind::hello, from->who.peer.node + " greets"});
  for (auto* from : all)
    for (auto* to : all)
      if (from != to)
        CHECK(eventually(
          [&] { return to->ears.heard_from(from->who.peer.node, from->who.peer.node + " greets"); }));
}

TEST_CASE("each lane keeps the order") {
  Node n1{badge("n1")}, n2{badge("n2")};
  know_each_other({&n1, &n2});
  std::vector<std::string> small, large;
  for (int i = 0; i < 500; i++) {
    small.push_back(std::to_string(i));
    n1->send("n2", {Kind::raft, small.back()});
    if (i % 25 != 0) continue;
    large.push_back(std::string(kMaxUrgent + 1, '.') + std::to_string(i));
    n1->send("n2", {Kind::raft, large.back()});
  }
  REQUIRE(eventually([&] { return n2.ears.heard().size() == small.size() + large.size(); }));
  std::vector<std::string> small_heard, large_heard;
  for (const auto& body : n2.ears.bodies("n1"))
    (body.size() > kMaxUrgent ? large_heard : small_heard).push_back(body);
  CHECK(small_heard == small);
  CHECK(large_heard == large);
}

TEST_CASE("a member that restarts is heard and reached again") {
  Node n1{badge("n1")}, n2{badge("n2")};
  know_each_other({&n1, &n2});
  REQUIRE(eventually([&] { return n1.reaches("n2") && n2.reaches("n1"); }));
  n2.stop();
  REQUIRE(eventually([&] { return !n1.reaches("n2"); }));
  CHECK(eventually([&] { return !n1->states()["n2"].trouble.empty(); }));
  n2.start();
  n2->set_members({n1.peer(), n2.peer()});
  REQUIRE(eventually([&] { return n1.reaches("n2") && n2.reaches("n1"); }));
  n1->send("n2", {Kind::raft, "back?"});
  n2->send("n1", {Kind::raft, "back."});
  CHECK(eventually([&] { return n2.ears.heard_from("n1", "back?") && n1.ears.heard_from("n2", "back."); }));
}

TEST_CASE("frames for nobody, and larger ones than are allowed, are dropped") {
  Node n1{badge("n1")}, n2{badge("n2")};
  know_each_other({&n1, &n2});
  n1->send("n9", {Kind::raft, "lost"});
  n1->send("n1", {Kind::raft, "to itself"});
  n1->send("n2", {Kind::raft, std::string(kMaxEnvelope + 1, 'x')});
  CHECK(n1->stats().dropped == 3);
  n1->send("n2", {Kind::raft, "kept"});
  REQUIRE(eventually([&] { return n2.ears.heard_from("n1", "kept"); }));
  CHECK(n2.ears.heard().size() == 1);
}

TEST_CASE("what waits for a member that is away is dropped when it is old") {
  Node n1{badge("n1"),
          [](PeerOptions& options) { options.limits.stale_after = std::chrono::milliseconds{1}; }};
  auto away = badge("n2");
  away.peer.address = "127.0.0.1:1";
  n1->set_members({away.peer});
  n1->send("n2", {Kind::raft, "old"});
  n1->send("n2", {Kind::raft, std::string(kMaxUrgent + 1, 'o')});
  CHECK(eventually([&] { return n1->stats().dropped == 2; }));
}

TEST_CASE("a member that reads no bulk is sent no more than the queue holds, and still gets small frames") {
  const auto deaf = badge("n2");
  RawListener listener{deaf.credentials};
  Node n1{badge("n1"), [](PeerOptions& options) { options.limits.bulk_bytes = 4 << 20; }};
  auto peer = deaf.peer;
  peer.address = listener.address();
  n1->set_members({peer});
  auto lanes = listener.welcome_both();
  REQUIRE(eventually([&] { return n1.reaches("n2"); }));
  constexpr uint64_t kFrames = 200;
  for (uint64_t i = 0; i < kFrames; i++) n1->send("n2", {Kind::raft, std::string(1 << 20, 'x')});
  CHECK(n1->stats().dropped > kFrames / 2);  // The kernel's buffers take some.
  n1->send("n2", {Kind::raft, "beat"});
  const auto heard = lanes.at(Lane::urgent).next_said();
  REQUIRE(heard);
  CHECK(heard->body == "beat");
}

TEST_CASE("a member that takes no byte for long is dialled again") {
  const auto deaf = badge("n2");
  RawListener listener{deaf.credentials};
  Node n1{badge("n1"),
          [](PeerOptions& options) { options.limits.write_stall = std::chrono::milliseconds{100}; }};
  auto peer = deaf.peer;
  peer.address = listener.address();
  n1->set_members({peer});
  auto lanes = listener.welcome_both();
  REQUIRE(eventually([&] { return n1.reaches("n2"); }));
  for (int i = 0; i < 16; i++) n1->send("n2", {Kind::raft, std::string(1 << 20, 'x')});
  auto again = listener.accept();
  const auto opening = again.next();
  REQUIRE(opening);
  CHECK(decode_opening(opening->body)->lane == Lane::bulk);
}

TEST_CASE("a member that answers no ping is given up, and dialled again") {
  const auto deaf = badge("n2");
  RawListener listener{deaf.credentials};
  Node n1{badge("n1"), [](PeerOptions& options) { options.limits.pings_unanswered = 2; }};
  auto peer = deaf.peer;
  peer.address = listener.address();
  n1->set_members({peer});
  for (int lives = 0; lives < 2; lives++) {
    auto lanes = listener.welcome_both();
    for (auto& [which, lane] : lanes) {
      while (lane.next()) {
      }
    }
  }
  CHECK(n1->stats().refused == 0);
}

TEST_CASE("no event comes after a network was stopped") {
  std::atomic<bool> stopped{false}, late{false};
  Node n1{badge("n1")};
  auto receiver = badge("n2");
  Node n2{receiver, [&](PeerOptions& options) {
            options.events.received = [&](const std::string&, const Envelope&) { late = late || stopped; };
          }};
  know_each_other({&n1, &n2});
  REQUIRE(eventually([&] { return n1.reaches("n2"); }));
  for (int i = 0; i < 2000; i++) n1->send("n2", {Kind::raft, "more"});
  n2->stop();
  stopped = true;
  n2->stop();  // Twice is once.
  n2->send("n1", {Kind::raft, "too late"});
  CHECK(n2->stats().received <= 2000);
  REQUIRE(eventually([&] { return !n1.reaches("n2"); }));
  CHECK_FALSE(late);
}

TEST_CASE("a network says why it cannot start") {
  const auto fails = [](const std::function<void(PeerOptions&)>& change) {
    PeerOptions options;
    const auto who = badge("n1");
    options.node = "n1";
    options.credentials = who.credentials;
    change(options);
    const auto started = PeerNetwork{options}.start();
    REQUIRE_FALSE(started);
    return started.error();
  };
  CHECK(fails([](auto& options) { options.listen = "here"; }).code == "config.invalid");
  CHECK(fails([](auto& options) { options.listen = "127.0.0.1:70000"; }).detail.find("70000") !=
        std::string::npos);
  CHECK(fails([](auto& options) { options.listen = "192.0.2.1:0"; }).code == "internal");
  CHECK(fails([](auto& options) {
          options.credentials.key = new_key().private_key;
        }).detail.find("another one") != std::string::npos);
  CHECK(fails([](auto& options) { options.credentials.trust = "no PEM"; }).detail.find("trust") !=
        std::string::npos);
  const Node first{badge("n1")};
  CHECK(fails([&](auto& options) { options.listen = first.peer().address; }).code == "internal");
}
