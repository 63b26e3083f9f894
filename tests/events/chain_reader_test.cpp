// Reading the chain from its end.
#include <catch2/catch.hpp>

#include "events/log/chain.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::log;

namespace {

void put_lines(Disk& disk, uint64_t from, uint64_t to) {
  Batch batch;
  for (auto seq = from; seq <= to; seq++) batch.put(Column::events, number_key(seq), std::to_string(seq));
  REQUIRE(disk.write(batch, true));
}

std::vector<uint64_t> back(const Disk& disk, uint64_t from, size_t most = SIZE_MAX) {
  std::vector<uint64_t> seqs;
  ChainReader{disk}.each_back(from, [&](uint64_t seq, std::string_view line) {
    CHECK(line == std::to_string(seq));
    seqs.push_back(seq);
    return seqs.size() < most;
  });
  return seqs;
}

std::vector<uint64_t> down(uint64_t from, uint64_t to) {
  std::vector<uint64_t> seqs;
  for (auto seq = from; seq >= to; seq--) seqs.push_back(seq);
  return seqs;
}

}  // namespace

TEST_CASE("lines are visited backwards, each once, across pieces", "[S0-08]") {
  MemoryDisk disk;
  put_lines(disk, 1, 1000);
  CHECK(back(disk, 1000) == down(1000, 1));
  CHECK(back(disk, 257) == down(257, 1));
  CHECK(back(disk, 256) == down(256, 1));
  CHECK(back(disk, 1) == down(1, 1));
}

TEST_CASE("reading backwards begins at the newest line and stops when told to", "[S0-08]") {
  MemoryDisk disk;
  CHECK(back(disk, 5).empty());
  put_lines(disk, 1, 600);
  CHECK(back(disk, UINT64_MAX, 3) == down(600, 598));
  CHECK(back(disk, 300, 50) == down(300, 251));
  CHECK(back(disk, 0).empty());
}

TEST_CASE("reading backwards ends where the log was compacted", "[S0-08]") {
  MemoryDisk disk;
  put_lines(disk, 700, 1500);
  CHECK(back(disk, 1500) == down(1500, 700));
  CHECK(back(disk, 100).empty());
}
