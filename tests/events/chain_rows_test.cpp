// Lines in rows: read, passed through and dropped one by one, however they were written.
#include <algorithm>
#include <functional>

#include <catch2/catch.hpp>

#include "events/log/chain.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::log;

namespace {

/// Lines "1" to "n" in rows that end after each seq in `ends`.
void write_rows(Disk& disk, uint64_t n, const std::vector<uint64_t>& ends) {
  Batch batch;
  RowWriter rows;
  for (uint64_t seq = 1; seq <= n; seq++) {
    rows.add(seq, std::to_string(seq), batch);
    if (std::find(ends.begin(), ends.end(), seq) != ends.end()) rows.finish(batch);
  }
  rows.finish(batch);
  REQUIRE(disk.write(batch, true));
}

std::string lines_from(const Disk& disk, uint64_t from) {
  std::string all;
  ChainReader{disk}.each_from(from, [&](uint64_t seq, std::string_view line) {
    CHECK(std::to_string(seq) == line);
    all.append(line).append(" ");
    return true;
  });
  return all;
}

size_t count_rows(const Disk& disk) {
  size_t count = 0;
  disk.scan(Column::events, "", "", [&](std::string_view, std::string_view) { return ++count; });
  return count;
}

}  // namespace

TEST_CASE("lines are read one by one from rows that hold several", "[S0-08]") {
  MemoryDisk disk;
  write_rows(disk, 9, {1, 5, 6});
  CHECK(count_rows(disk) == 4);
  CHECK(lines_from(disk, 0) == "1 2 3 4 5 6 7 8 9 ");
  CHECK(lines_from(disk, 4) == "4 5 6 7 8 9 ");
  CHECK(lines_from(disk, 6) == "6 7 8 9 ");
  CHECK(lines_from(disk, 10).empty());
  const ChainReader reader{disk};
  for (uint64_t seq = 1; seq <= 9; seq++) CHECK(reader.line(seq) == std::to_string(seq));
  CHECK_FALSE(reader.line(10));
  CHECK(reader.oldest() == 1);
  std::string back;
  reader.each_back(7, [&](uint64_t, std::string_view line) {
    back += line;
    return back.size() < 5;
  });
  CHECK(back == "76543");
}

TEST_CASE("a row ends before it grows large") {
  MemoryDisk disk;
  Batch batch;
  RowWriter rows;
  for (uint64_t seq = 1; seq <= 100; seq++) rows.add(seq, std::string(1000, 'x'), batch);
  rows.finish(batch);
  REQUIRE(disk.write(batch, true));
  CHECK(count_rows(disk) == 4);  // Of 33 lines, the last of one.
  CHECK(ChainReader{disk}.line(50)->size() == 1000);
}

TEST_CASE("dropping lines splits the row in which it ends") {
  const auto to = GENERATE(uint64_t{0}, uint64_t{1}, uint64_t{3}, uint64_t{5}, uint64_t{8}, uint64_t{9});
  MemoryDisk disk;
  write_rows(disk, 9, {1, 5, 6});
  REQUIRE(drop_lines(disk, to));
  std::string left;
  for (auto seq = to + 1; seq <= 9; seq++) left += std::to_string(seq) + " ";
  CHECK(lines_from(disk, 0) == left);
  CHECK(lines_from(disk, to + 1) == left);
  CHECK(ChainReader{disk}.oldest() == (to == 9 ? 0 : to + 1));
}

TEST_CASE("a row that is damaged is refused as log.corrupt, and named", "[S0-08]") {
  MemoryDisk disk;
  Batch batch;
  batch.put(Column::events, number_key(7), std::string("\0no text was packed", 19));
  REQUIRE(disk.write(batch, true));
  const ChainReader reader{disk};
  uint64_t last = 0;
  const auto refused = [&](const std::function<void()>& read) {
    try {
      read();
    } catch (const Unreadable& failed) {
      return failed.error();
    }
    return Error{"none", "it was read"};
  };
  for (const auto& error : {refused([&] { (void)reader.line(7); }), refused([&] { (void)reader.oldest(); }),
                            refused([&] { (void)reader.text_from(1, 1000); }),
                            refused([&] { (void)reader.rows_from(1, 1000, last); }),
                            refused([&] { (void)drop_lines(disk, 7); })}) {
    CHECK(error.code == "log.corrupt");
    CHECK(error.detail.find("the row that ends with line 7 is damaged") != std::string::npos);
  }
}
