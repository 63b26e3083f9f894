// Shows the members' network: frames arrive, in order, by both lanes, also after a restart.
#include "consensus/peer_network.hpp"

#include <catch2/catch.hpp>

#include "tests/consensus/support/peer_world.hpp"

using namespace muster;
using namespace muster::consensus;
using namespace muster::consensus::test;

TEST_CASE("two members exchange small and large frames") {
  Node n1{badge("n1")}, n2{badge("n2")};
  n1->set_members({n1.peer(), n2.peer()});
  n2->set_members({n1.peer(), n2.peer()});
  const std::string large(kMaxEnvelope, 'x');
  n1->send("n2", {Kind::raft, "small"});
  n1->send("n2", {Kind::ask, large});
  n2->send("n1", {Kind::beats, ""});
  REQUIRE(eventually([&] { return n2.ears.heard().size() == 2 && n1.ears.heard().size() == 1; }));
  CHECK(n2.ears.heard_from("n1", "small"));
  CHECK(n2.ears.heard_from("n1", large));
  CHECK(n1.ears.heard().front().second.kind == Kind::beats);
  REQUIRE(eventually([&] { return n1->states()["n2"].rtt_us >= 0; }));
  CHECK(n1.reaches("n2"));
  CHECK(n1->states()["n2"].heard);
}
