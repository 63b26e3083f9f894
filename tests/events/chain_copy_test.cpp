// Lines in rows from one store into another: each is checked, whatever the rows look like.
#include <catch2/catch.hpp>

#include "events/log/chain.hpp"
#include "events/log/entry.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::log;

namespace {

constexpr size_t kMost = 40'000;
const auto kNobody = [](const LineShape&, std::string_view) {};

/// A chain whose entries hold so many lines each, in turn.
struct Store {
  explicit Store(const std::vector<size_t>& entries = {}, const std::string& node = "n1") {
    for (const auto lines : entries) append(lines, node);
  }
  void append(size_t lines, const std::string& node) {
    EntryWriter entry;
    for (size_t i = 1; i <= lines; i++) {
      const auto n = std::to_string(chain.head().seq + i);
      entry.event("node/n" + n, R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":")" + node +
                                  R"(","actor":"alice",)"
                                  R"("type":"node.registered","stream":"node/n)" +
                                  n + R"(","data":{"node":"n)" + n + R"(","caps":{"gpu":"none"}}})");
    }
    Batch batch;
    std::vector<Line> made;
    chain.apply(chain.head().index + 1, entry.take(), Time{}, batch, made);
    REQUIRE(disk.write(batch, true));
  }
  /// Takes what `run` holds; false: it did not fit, and nothing was written.
  bool take(std::string_view run, uint64_t until = UINT64_MAX) {
    Batch batch;
    const bool good = chain.take_rows(run, until, batch, kNobody);
    if (good) REQUIRE(disk.write(batch, true));
    return good;
  }
  [[nodiscard]] std::string rows_from(uint64_t seq, size_t most = kMost) const {
    uint64_t last = 0;
    return ChainReader{disk}.rows_from(seq, most, last);
  }
  [[nodiscard]] size_t rows() const {
    size_t count = 0;
    disk.scan(Column::events, "", "", [&](std::string_view, std::string_view) { return ++count; });
    return count;
  }
  MemoryDisk disk;
  ChainWriter chain{disk};
};

void check_equal(const Store& from, const Store& to) {
  CHECK(to.chain.head().hash == from.chain.head().hash);
  CHECK(read_head(to.disk).seq == from.chain.head().seq);
  const ChainReader theirs{from.disk}, ours{to.disk};
  for (uint64_t seq = 1; seq <= from.chain.head().seq; seq++) {
    CHECK(ours.line(seq) == theirs.line(seq));
    CHECK(ours.version("node/n" + std::to_string(seq)) == seq);
  }
}

}  // namespace

TEST_CASE("rows lead to the same chain in another store, however long they are") {
  const Store from{{1, 1, 1, 300, 2, 500, 1, 40, 1}};
  Store to;
  while (to.chain.head().seq < from.chain.head().seq)
    REQUIRE(to.take(from.rows_from(to.chain.head().seq + 1)));
  check_equal(from, to);
}

TEST_CASE("small rows are put together on the way") {
  const Store from{std::vector<size_t>(200, 1)};
  REQUIRE(from.rows() == 200);
  Store to;
  REQUIRE(to.take(from.rows_from(1, 1 << 20)));
  check_equal(from, to);
  CHECK(to.rows() < 5);
}

TEST_CASE("a run says up to which line it goes, and the next one begins there") {
  const Store from{{300, 300, 300}};
  uint64_t last = 0;
  const auto run = ChainReader{from.disk}.rows_from(1, 1, last);
  CHECK_FALSE(run.empty());
  CHECK((last > 0 && last < 300));
  Store to;
  REQUIRE(to.take(run));
  CHECK(to.chain.head().seq == last);
  CHECK(ChainReader{from.disk}.rows_from(901, kMost, last).empty());
}

TEST_CASE("lines that are here are passed over, and none after the last one that is wanted is taken") {
  const Store from{{300, 300}};
  Store to;
  REQUIRE(to.take(from.rows_from(1, 1 << 20), 150));
  CHECK(to.chain.head().seq == 150);
  REQUIRE(to.take(from.rows_from(1, 1 << 20), 450));
  CHECK(to.chain.head().seq == 450);
  CHECK_FALSE(ChainReader{to.disk}.line(451));
  REQUIRE(to.take(from.rows_from(451, 1 << 20)));
  check_equal(from, to);
}

TEST_CASE("rows of another chain, with a gap, or damaged anywhere are not taken") {
  const Store from{{300}};
  const auto run = from.rows_from(1);
  CHECK_FALSE(Store{{5}, "n2"}.take(from.rows_from(1)));
  CHECK_FALSE(Store{}.take(from.rows_from(299)));
  for (size_t size = 1; size < run.size(); size += 97) CHECK_FALSE(Store{}.take(run.substr(0, size)));
  for (size_t at = 0; at < run.size(); at += 131) {
    auto damaged = run;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    Store to;
    if (!to.take(damaged)) continue;
    // What the last line says is known only by the next one, or by who knows where the chain ends.
    for (uint64_t seq = 1; seq < to.chain.head().seq; seq++)
      CHECK(ChainReader{to.disk}.line(seq) == ChainReader{from.disk}.line(seq));
  }
}
