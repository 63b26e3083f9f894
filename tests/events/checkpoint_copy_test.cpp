// A checkpoint and the lines after it, from one store into another.
#include "events/log/checkpoint_copy.hpp"

#include <catch2/catch.hpp>

#include "events/line.hpp"
#include "events/log/chain.hpp"
#include "events/log/entry.hpp"
#include "events/log/memory_disk.hpp"
#include "events/log/squeeze.hpp"

using namespace muster;
using namespace muster::log;

namespace {

void append(Disk& disk, ChainWriter& chain, uint64_t lines) {
  for (uint64_t i = 0; i < lines; i++) {
    const auto n = std::to_string(chain.head().seq + 1);
    EntryWriter entry;
    entry.event("node/n" + n, R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":"alice",)"
                              R"("type":"node.registered","stream":"node/n)" +
                                n + R"(","data":{"node":"n)" + n + R"("}})");
    Batch batch;
    std::vector<Line> made;
    chain.apply(chain.head().index + 1, entry.take(), Time{}, batch, made);
    REQUIRE(disk.write(batch, true));
  }
}

void store_checkpoint(Disk& disk, uint64_t at) {
  const std::string states = "states as of " + std::to_string(at), views(100'000, 'v');
  const auto digests = sha256_hex(states) + sha256_hex(views);
  Batch batch;
  batch.put(Column::checkpoints, "at/" + number_key(at), sha256_hex(digests) + digests);
  batch.put(Column::checkpoints, "states/" + number_key(at), squeeze(states));
  batch.put(Column::checkpoints, "views/" + number_key(at), squeeze(views));
  REQUIRE(disk.write(batch, true));
}

std::string all_of(CheckpointSource& source, const CheckpointCopy& copy) {
  std::string bytes;
  while (bytes.size() < copy.size) {
    const auto piece = source.piece(copy.at, copy.digest, bytes.size(), 100);
    REQUIRE((!piece.empty() && piece.size() <= 100));
    bytes += piece;
  }
  return bytes;
}

/// A log of 50 lines whose first 20 were dropped, with checkpoints as of 10, 25 and 40.
struct Compacted {
  Compacted() {
    append(disk, chain, 50);
    for (const uint64_t at : {10, 25, 40}) store_checkpoint(disk, at);
    REQUIRE(drop_lines(disk, 20));
  }
  MemoryDisk disk;
  ChainWriter chain{disk};
  CheckpointSource source{disk};
};

}  // namespace

TEST_CASE("a store without the first lines goes on from a checkpoint and the lines after those") {
  Compacted from;
  const auto copy = from.source.newest(20, 30);
  REQUIRE(copy);
  CHECK(copy->at == 25);
  const ChainReader theirs{from.disk};
  REQUIRE(theirs.oldest() == 21);

  MemoryDisk disk;
  ChainWriter chain{disk};
  append(disk, chain, 5);  // Lines of its own, which go.
  Batch batch;
  REQUIRE(put_checkpoint(copy->at, all_of(from.source, *copy), batch));
  chain.start_after(20, *theirs.before_oldest(), batch);
  REQUIRE(disk.write(batch, true));
  for (const auto prefix : {"at/", "states/", "views/"})
    CHECK(disk.get(Column::checkpoints, prefix + number_key(25)) ==
          from.disk.get(Column::checkpoints, prefix + number_key(25)));
  const ChainReader ours{disk};
  CHECK(ours.oldest() == 0);
  CHECK(ours.version("node/n1") == 0);

  while (chain.head().seq < 50) {
    Batch lines;
    size_t taken = 0;
    REQUIRE(chain.take_lines(theirs.text_from(chain.head().seq + 1, 1'000), lines,
                             [&](const LineShape&, std::string_view) { taken++; }));
    REQUIRE(taken > 0);
    REQUIRE(disk.write(lines, true));
  }
  CHECK(chain.head().hash == from.chain.head().hash);
  CHECK(read_head(disk) == chain.head());
  CHECK(ours.oldest() == 21);
  CHECK(ours.before_oldest() == theirs.before_oldest());
  CHECK(ours.version("node/n30") == 30);
  for (uint64_t seq = 21; seq <= 50; seq++) CHECK(ours.line(seq) == theirs.line(seq));
}

TEST_CASE("lines do not fit behind another hash, and nothing is taken") {
  Compacted from;
  MemoryDisk disk;
  ChainWriter chain{disk};
  Batch batch;
  chain.start_after(20, sha256("another"), batch);
  size_t taken = 0;
  CHECK_FALSE(chain.take_lines(ChainReader{from.disk}.text_from(21, 1'000), batch,
                               [&](const LineShape&, std::string_view) { taken++; }));
  CHECK(taken == 0);
}

TEST_CASE("only a whole checkpoint that its digests vouch for is given away, and is taken") {
  Compacted from;
  CHECK_FALSE(from.source.newest(41, 50));
  CHECK(from.source.newest(0, 50)->at == 40);
  const auto copy = from.source.newest(0, 24);
  REQUIRE(copy);
  const auto bytes = all_of(from.source, *copy);
  CHECK(sha256(bytes) == copy->digest);
  CHECK(from.source.piece(copy->at, sha256("another"), 0, 10).empty());
  CHECK(from.source.piece(copy->at, copy->digest, copy->size, 10).empty());
  Batch batch;
  for (size_t size = 0; size < bytes.size(); size += 7)
    CHECK_FALSE(put_checkpoint(copy->at, std::string_view{bytes}.substr(0, size), batch));
  for (size_t at = 0; at < bytes.size(); at += 3) {
    auto changed = bytes;
    changed[at] ^= 1;
    INFO("byte " << at);
    CHECK_FALSE(put_checkpoint(copy->at, changed, batch));
  }
  CHECK(batch.empty());
  batch.erase(Column::checkpoints, "views/" + number_key(10));
  REQUIRE(from.disk.write(batch, true));
  CheckpointSource anew{from.disk};
  CHECK_FALSE(anew.newest(0, 24));
}

TEST_CASE("text is read from any line on, whole rows at a time") {
  MemoryDisk disk;
  Batch batch;
  RowWriter rows;
  std::string all;
  std::vector<size_t> starts;
  for (uint64_t seq = 1; seq <= 500; seq++) {
    starts.push_back(all.size());
    const auto line = std::to_string(seq) + std::string(seq % 300, 'x');
    rows.add(seq, line, batch);
    all.append(line).append("\n");
  }
  rows.finish(batch);
  REQUIRE(disk.write(batch, true));
  const ChainReader reader{disk};
  for (uint64_t seq = 1; seq <= 500; seq++)
    CHECK(reader.text_from(seq, all.size() + 1) == all.substr(starts[seq - 1]));
  const auto some = reader.text_from(10, 40'000);
  CHECK(some.size() < 40'000);
  CHECK(some.size() > 20'000);
  CHECK(all.substr(starts[9]).starts_with(some));
  CHECK(reader.text_from(501, 100).empty());
}
