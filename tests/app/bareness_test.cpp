// What nobody would miss, and what somebody would.
#include "app/cluster/bareness.hpp"

#include <catch2/catch.hpp>

#include "consensus/raft_store.hpp"
#include "events/log/entry.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::app;

namespace {

/// A log that grows line by line.
struct Log {
  /// An event of that type about node n1, as `actor` asked for by `request`.
  void add(const std::string& type, const std::string& actor = "system", const std::string& request = "") {
    std::string head = R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":")" + actor + '"';
    if (!request.empty()) head += R"(,"request":")" + request + '"';
    log::EntryWriter entry;
    entry.event("node/n1", head + R"(,"type":")" + type + R"(","stream":"node/n1","data":{"node":"n1"}})");
    log::Batch batch;
    std::vector<log::Line> made;
    chain.apply(chain.head().index + 1, entry.take(), Time{}, batch, made);
    REQUIRE(disk.write(batch, true));
    const auto read = read_line(*made.front());
    INFO((read ? type : read.error().detail));
    REQUIRE(read);
  }
  void found_and_serve() {
    add("cluster.created");
    add("member.started");
    add("plan.template_loaded");
    add("lease.granted");
    add("member.joined", "n2");
    add("node.registered", "node/n1", "0af7651916cd43dd8448eb211c80319c");
    add("service.started", "node/n2", "0af7651916cd43dd8448eb211c80319d");
  }
  [[nodiscard]] bool bare(Bareness& bareness) const {
    return bareness.look(log::ChainReader{disk}, chain.head().seq);
  }

  log::MemoryDisk disk;
  log::ChainWriter chain{disk};
};

}  // namespace

TEST_CASE("a log of founding, members, files, leases, and what nodes report of themselves is bare") {
  Log log;
  log.found_and_serve();
  Bareness bareness;
  CHECK(log.bare(bareness));
  CHECK(holds_only_bootstrap(log.disk));
}

TEST_CASE("one request of anybody else makes it a history, for ever") {
  for (const std::string actor : {"anonymous", "apikey", "dev", "alice", "n1"}) {
    Log log;
    log.found_and_serve();
    Bareness bareness;
    REQUIRE(log.bare(bareness));
    log.add("node.registered", actor, "0af7651916cd43dd8448eb211c80319e");
    CHECK_FALSE(log.bare(bareness));
    log.add("node.registered", "node/n1", "0af7651916cd43dd8448eb211c80319f");
    CHECK_FALSE(log.bare(bareness));
    CHECK_FALSE(holds_only_bootstrap(log.disk));
  }
}

TEST_CASE("a log of which something was dropped is a history") {
  Log log;
  log.found_and_serve();
  REQUIRE(log::drop_lines(log.disk, 3));
  Bareness bareness;
  CHECK_FALSE(log.bare(bareness));
}

TEST_CASE("what is not read yet may be a history") {
  Log log;
  for (int i = 0; i < 9'000; i++) log.add("service.started", "node/n1", "0af7651916cd43dd8448eb211c80319c");
  Bareness bareness;
  CHECK_FALSE(log.bare(bareness));
  CHECK_FALSE(log.bare(bareness));
  CHECK(log.bare(bareness));
  CHECK(holds_only_bootstrap(log.disk));
}

TEST_CASE("an entry that is not applied may have been acknowledged by others") {
  Log log;
  log.found_and_serve();
  const auto next = log.chain.head().index + 1;
  log::Batch barrier;
  consensus::put_entry(barrier, 1, 1, 2, "");
  for (uint64_t i = 2; i <= next; i++) consensus::put_entry(barrier, i, 1, 2, "");
  REQUIRE(log.disk.write(barrier, true));
  CHECK(holds_only_bootstrap(log.disk));
  for (const bool asked : {false, true}) {
    log::EntryWriter entry;
    entry.event("node/n1",
                std::string{R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":")"} +
                  (asked ? R"(alice","request":"0af7651916cd43dd8448eb211c80319c")" : R"(system")") +
                  R"(,"type":"node.registered","stream":"node/n1","data":{"node":"n1"}})");
    log::Batch last;
    consensus::put_entry(last, next, 1, 1, entry.take());
    REQUIRE(log.disk.write(last, true));
    CHECK(holds_only_bootstrap(log.disk) == !asked);
  }
  log::Batch command;
  consensus::put_entry(command, next, 1, 1, "what somebody asked for");
  REQUIRE(log.disk.write(command, true));
  CHECK_FALSE(holds_only_bootstrap(log.disk));
}
