// Who gets lines instead of entries gets what entries left beside them, before anything is acknowledged.
#include <catch2/catch.hpp>

#include "consensus/wire.hpp"
#include "support/cluster.hpp"

using namespace muster;
using namespace muster::consensus;

namespace {

/// Three voters of whom one is so far behind that it gets a snapshot.
struct Behind {
  Behind() {
    cluster.commit(20);
    id = cluster.leader()->id == 1 ? 2 : 1;
    cluster.await([&] { return cluster.same_everywhere(); });
    cluster.cut_off = {id};
    cluster.commit(400);
  }
  void expect_all_kept() {
    cluster.await([&] { return cluster.same_everywhere(); });
    CHECK(node().chain.kept() == node().chain.head().seq);
  }
  Cluster::Node& node() { return *cluster.nodes[id]; }

  Cluster cluster{3};
  MemberId id = 0;
};

}  // namespace

TEST_CASE(
  "a member that gets lines instead of entries gets what was kept, in pages, and only what it lacks") {
  Behind behind;
  size_t pages = 0;
  behind.cluster.on_send = [&](MemberId, MemberId, const std::string& frame) {
    if (type_of(frame) != kKeptFrame) return true;
    pages++;
    CHECK(decode_kept(frame)->asked.since == 20);
    return true;
  };
  behind.cluster.cut_off.clear();
  behind.expect_all_kept();
  CHECK(pages > 5);
}

TEST_CASE("a snapshot is not acknowledged before what was kept is here") {
  Behind behind;
  bool hold = true;
  size_t asked = 0;
  behind.cluster.on_send = [&](MemberId from, MemberId, const std::string& frame) {
    if (from == behind.id && type_of(frame) == kKeptFetchFrame) asked++;
    return !hold || type_of(frame) != kKeptFrame;
  };
  behind.cluster.cut_off.clear();
  behind.cluster.await([&] { return asked >= 3; });
  const auto lines = behind.node().chain.head().seq;
  CHECK(lines > 20);  // They are here, and
  CHECK(behind.node().chain.kept() == 20);
  behind.cluster.commit(5);
  CHECK(behind.node().chain.head().seq == lines);  // nothing was committed on top of them.
  hold = false;
  behind.expect_all_kept();
}

TEST_CASE("pages go on where they stopped when frames are lost, their sender is gone, and power fails") {
  Behind behind;
  size_t pages = 0;
  MemberId from = 0;
  behind.cluster.on_send = [&](MemberId sender, MemberId, const std::string& frame) {
    if (type_of(frame) != kKeptFrame) return true;
    if (++pages == 3) from = sender;
    return sender != from;
  };
  behind.cluster.cut_off.clear();
  behind.cluster.await([&] { return pages > 4; });
  behind.cluster.crash(behind.id);
  behind.cluster.restart(behind.id);
  behind.expect_all_kept();
  behind.cluster.commit(100);
  behind.expect_all_kept();
}

TEST_CASE("a page that was changed or comes again is not taken") {
  Behind behind;
  size_t spoilt = 0;
  behind.cluster.on_send = [&](MemberId sender, MemberId to, const std::string& frame) {
    const auto kept = type_of(frame) == kKeptFrame ? decode_kept(frame) : std::nullopt;
    if (!kept || spoilt >= 6) return true;
    auto changed = *kept;
    if (spoilt++ % 2 == 0) changed.asked.until++;
    changed.last = "9";  // Would leave out all keys before it.
    if (spoilt % 2 == 0) changed.asked.after = "8";
    behind.cluster.clock.later(1, [&behind, sender, to, again = encode_kept(changed)] {
      behind.cluster.nodes[to]->replica->receive(sender, again);
    });
    return true;
  };
  behind.cluster.cut_off.clear();
  behind.expect_all_kept();
  CHECK(spoilt == 6);
}
