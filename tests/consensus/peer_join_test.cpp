// Shows how a stranger asks to become a member, whom it trusts, and how many may ask.
#include "consensus/peer_join.hpp"

#include <catch2/catch.hpp>

#include "tests/consensus/support/peer_world.hpp"
#include "tests/consensus/support/raw_peer.hpp"

using namespace muster;
using namespace muster::consensus;
using namespace muster::consensus::test;

namespace {

JoinCall call(const Node& node) {
  JoinCall call;
  call.address = node.peer().address;
  call.fingerprint = authority().fingerprint();
  call.timeout = std::chrono::minutes{1};
  call.now = [] { return kNow; };
  return call;
}

const Envelope kRequest{Kind::join, "let me in"};

std::string fault_of(const Result<Envelope>& outcome) {
  REQUIRE_FALSE(outcome);
  return outcome.error().code + ": " + outcome.error().detail;
}

}  // namespace

TEST_CASE("a stranger without a certificate asks to join, and is answered") {
  Node n1{badge("n1")};
  const auto answer = call_to_join(call(n1), kRequest);
  REQUIRE(answer);
  CHECK(answer->kind == Kind::joined);
  CHECK(answer->body == " said let me in");
  CHECK(n1->stats().strangers == 1);
  CHECK(n1->stats().refused == 0);
}

TEST_CASE("a stranger is asked for by the name and key of its certificate") {
  Node n1{badge("n1")};
  const auto joiner = badge("n2");
  Stranger seen;
  n1.ears.on_stranger = [&](const Stranger& who, Envelope, const std::function<void(Envelope)>& answer) {
    seen = who;
    answer({Kind::joined, std::string(kMaxEnvelope, 'x')});
  };
  auto asked = call(n1);
  asked.own = joiner.credentials;
  const auto answer = call_to_join(asked, {Kind::join, std::string(kMaxJoin, 'j')});
  REQUIRE(answer);
  CHECK(answer->body.size() == kMaxEnvelope);
  CHECK(seen.node == "n2");
  CHECK(seen.key == joiner.peer.key);
  CHECK(seen.address.starts_with("127.0.0.1:"));
  // A member whose answer got lost asks again.
  n1->set_members({joiner.peer});
  CHECK(call_to_join(asked, kRequest));
}

TEST_CASE("a joiner tells its secret only to the cluster that its token names") {
  Node n1{badge("n1")};
  auto asked = call(n1);
  asked.fingerprint = authority('z').fingerprint();
  CHECK(fault_of(call_to_join(asked, kRequest)).starts_with("tls.untrusted: 127.0.0.1:"));
  // A server that shows the right authority, but has no certificate of it.
  auto imposter = badge("n1", authority('z'));
  imposter.credentials.chain += authority().certificate();
  Node wrong{imposter};
  CHECK(fault_of(call_to_join(call(wrong), kRequest)).starts_with("tls.untrusted: "));
  asked = call(n1);
  asked.now = [] { return kNow + std::chrono::hours{1000}; };
  CHECK(fault_of(call_to_join(asked, kRequest)).find("expired") != std::string::npos);
  CHECK(n1->stats().strangers + wrong->stats().strangers == 0);
}

TEST_CASE("a member with a certificate of another authority may ask by the key that it proves") {
  auto away = badge("n2", authority('z'));
  Node n1{badge("n1")};
  n1->set_members({away.peer});
  Stranger seen;
  n1.ears.on_stranger = [&](const Stranger& who, Envelope, const std::function<void(Envelope)>& answer) {
    seen = who;
    answer({Kind::joined, "again"});
  };
  auto asked = call(n1);
  asked.own = away.credentials;
  REQUIRE(call_to_join(asked, kRequest));
  CHECK(seen.node.empty());  // Its authority is not believed, and so not its name.
  CHECK(seen.key == away.peer.key);
  // Nothing but a join is heard.
  RawPeer caller{n1->port()};
  REQUIRE(caller.secure(away.credentials));
  caller.open();
  CHECK(caller.refusal().find("another authority") != std::string::npos);
  n1->set_members({});
  CHECK(fault_of(call_to_join(asked, kRequest)).find("another authority") != std::string::npos);
}

TEST_CASE("a member trusts members by their keys, whatever their authority is") {
  Node n1{badge("n1", authority('z'))};
  auto asked = call(n1);
  CHECK(fault_of(call_to_join(asked, kRequest)).starts_with("tls.untrusted: "));
  asked.keys = {badge("n3").peer.key};
  CHECK(fault_of(call_to_join(asked, kRequest)).starts_with("tls.untrusted: "));
  asked.keys.push_back(n1.who.peer.key);
  CHECK(call_to_join(asked, kRequest));
}

TEST_CASE("a joiner with a certificate of another authority is refused") {
  Node n1{badge("n1")};
  auto asked = call(n1);
  asked.own = badge("n2", authority('z')).credentials;
  CHECK(fault_of(call_to_join(asked, kRequest)).find("another authority") != std::string::npos);
}

TEST_CASE("a joiner is told what is wrong with its call") {
  Node n1{badge("n1")};
  auto asked = call(n1);
  CHECK(fault_of(call_to_join(asked, {Kind::join, std::string(kMaxJoin + 1, 'x')})).find("16384") !=
        std::string::npos);
  asked.address = "nowhere";
  CHECK(fault_of(call_to_join(asked, kRequest)).starts_with("field.invalid: 'nowhere' is no address"));
  asked.address = "127.0.0.1:1";
  CHECK(fault_of(call_to_join(asked, kRequest)).starts_with("unreachable: "));
  RawListener silent{badge("n9").credentials};
  asked.address = silent.address();
  asked.timeout = std::chrono::milliseconds{50};
  CHECK(fault_of(call_to_join(asked, kRequest)).find("50 ms") != std::string::npos);
}

TEST_CASE("a member that lets nobody in says so") {
  Node n1{badge("n1"), [](PeerOptions& options) { options.events.stranger = {}; }};
  CHECK(fault_of(call_to_join(call(n1), kRequest)).starts_with("forbidden: "));
}

TEST_CASE("only so many strangers wait for an answer, and an answer may come from any thread") {
  Node n1{badge("n1"), [](PeerOptions& options) { options.limits.max_strangers = 2; }};
  std::mutex mutex;
  std::vector<std::function<void(Envelope)>> answers;
  n1.ears.on_stranger = [&](const Stranger&, const Envelope&, std::function<void(Envelope)> answer) {
    const std::lock_guard lock(mutex);
    answers.push_back(std::move(answer));
  };
  std::string join;
  append_frame(join, static_cast<uint8_t>(Kind::join), "first");
  std::vector<RawPeer> waiting;
  for (size_t i = 0; i < 2; i++) {
    waiting.emplace_back(n1->port());
    REQUIRE(waiting.back().secure());
    REQUIRE(waiting.back().send(join));
    REQUIRE(eventually([&] {
      const std::lock_guard lock(mutex);
      return answers.size() == i + 1;
    }));
  }
  CHECK(fault_of(call_to_join(call(n1), kRequest)).find("too many") != std::string::npos);
  for (const auto& answer : answers) answer({Kind::joined, "welcome"});
  for (auto& one : waiting) CHECK(one.next()->body == "welcome");
  answers.front()({Kind::joined, "twice"});
  CHECK(waiting.front().closed());
  n1.stop();
  answers.back()({Kind::joined, "too late"});  // Harmless.
}

TEST_CASE("who asks to join too often is told to wait") {
  Node n1{badge("n1"), [](PeerOptions& options) { options.limits.strangers_per_second = 1; }};
  CHECK(eventually([&] {
    const auto outcome = call_to_join(call(n1), kRequest);
    return !outcome && outcome.error().detail.find("try again") != std::string::npos;
  }));
}

TEST_CASE("a stranger that nobody answers is told so") {
  Node n1{badge("n1"),
          [](PeerOptions& options) { options.limits.answer_timeout = std::chrono::milliseconds{50}; }};
  n1.ears.on_stranger = [](const Stranger&, const Envelope&, const std::function<void(Envelope)>&) {};
  CHECK(fault_of(call_to_join(call(n1), kRequest)).find("no answer was found") != std::string::npos);
}

TEST_CASE("a stranger that goes on talking is refused") {
  Node n1{badge("n1")};
  n1.ears.on_stranger = [](const Stranger&, const Envelope&, const std::function<void(Envelope)>&) {};
  RawPeer talker{n1->port()};
  REQUIRE(talker.secure());
  std::string twice;
  append_frame(twice, static_cast<uint8_t>(Kind::join), "one");
  append_frame(twice, static_cast<uint8_t>(Kind::raft), "two");
  REQUIRE(talker.send(twice));
  CHECK(talker.refusal() == "it did not wait for an answer");
  CHECK(talker.closed());
}
