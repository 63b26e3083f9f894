// Replies under idempotency keys: forgotten by log time, given to other members in pages.
#include <catch2/catch.hpp>

#include "events/log/chain.hpp"
#include "events/log/entry.hpp"
#include "events/log/kept_copy.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::log;

namespace {

std::string key_of(int n) {
  auto digits = std::to_string(n);
  return std::string(32 - digits.size(), '0') + digits;
}

KeptReply reply_of(int n, uint64_t seq, Time expires = Time{Millis{1'000}}) {
  return {key_of(n), std::string(32, 'h'), expires, seq, "{\"n\":" + std::to_string(n) + "}", false};
}

/// Commits an entry that keeps these replies, at that log time.
void keep(MemoryDisk& disk, ChainWriter& chain, const std::vector<KeptReply>& replies, Time now) {
  EntryWriter writer;
  for (const auto& reply : replies) writer.frame(Frame::kept, encode(reply));
  writer.frame(Frame::barrier, "");
  Batch batch;
  std::vector<Line> lines;
  chain.apply(chain.head().index + 1, writer.take(), now, batch, lines);
  REQUIRE(disk.write(batch, false));
}

/// A disk with that many replies, the one of number n as of seq n.
void fill(MemoryDisk& disk, int count) {
  Batch batch;
  for (int n = 1; n <= count; n++) put_kept(reply_of(n, static_cast<uint64_t>(n)), batch);
  REQUIRE(disk.write(batch, true));
}

size_t count_kept(const Disk& disk) {
  size_t count = 0;
  each_kept(disk, "", [&](auto, auto) { return ++count > 0; });
  return count;
}

}  // namespace

TEST_CASE("a reply goes once log time passes its expiry, and one that took its key since stays") {
  MemoryDisk disk;
  ChainWriter chain{disk};
  const ChainReader reader{disk};
  const auto at = [](int seconds) { return Time{std::chrono::seconds{seconds}}; };
  keep(disk, chain, {reply_of(1, 0, at(10)), reply_of(2, 0, at(10))}, at(1));
  keep(disk, chain, {}, at(9));
  CHECK(reader.kept_reply(key_of(1)));
  keep(disk, chain, {reply_of(2, 0, at(30))}, at(20));  // Used again in the entry that forgets the first.
  CHECK_FALSE(reader.kept_reply(key_of(1)));
  REQUIRE(reader.kept_reply(key_of(2)));
  CHECK(reader.kept_reply(key_of(2))->expires == at(30));
  keep(disk, chain, {}, at(25));
  CHECK(reader.kept_reply(key_of(2)));
  keep(disk, chain, {}, at(31));
  CHECK(count_kept(disk) == 0);
}

TEST_CASE("kept replies are given away in pages by key, of the lines that were asked for") {
  MemoryDisk from, to;
  fill(from, 1'000);
  std::string after;
  size_t pages = 0;
  for (bool end = false; !end; pages++) {
    const auto page = kept_page(from, after, 101, 900, 10'000);
    CHECK(page.rows.size() <= 10'000);
    Batch batch;
    REQUIRE(put_kept_page(page, after, 101, 900, batch));
    REQUIRE(to.write(batch, true));
    after = page.last;
    end = page.end;
  }
  CHECK(pages > 5);
  CHECK(count_kept(to) == 800);
  const ChainReader reader{to};
  CHECK_FALSE(reader.kept_reply(key_of(100)));
  CHECK(reader.kept_reply(key_of(101)));
  CHECK(reader.kept_reply(key_of(900))->result == "{\"n\":900}");
  CHECK_FALSE(reader.kept_reply(key_of(901)));
}

TEST_CASE("a page to which few replies belong ends, too, and the next goes on behind it") {
  MemoryDisk disk;
  fill(disk, 30'000);
  const auto first = kept_page(disk, "", 29'000, 30'000, 1 << 20);
  CHECK(first.rows.empty());
  CHECK_FALSE(first.end);
  const auto second = kept_page(disk, first.last, 29'000, 30'000, 1 << 20);
  CHECK_FALSE(second.rows.empty());
  CHECK(second.end);
}

TEST_CASE("a page that is not the one that was asked for is refused") {
  MemoryDisk disk;
  fill(disk, 100);
  const auto page = kept_page(disk, key_of(10), 1, 100, 1'000);
  Batch batch;
  CHECK(put_kept_page(page, key_of(10), 1, 100, batch));
  CHECK_FALSE(put_kept_page(page, key_of(11), 1, 100, batch));   // Of keys that are here already.
  CHECK_FALSE(put_kept_page(page, key_of(10), 12, 100, batch));  // Of lines that were made here.
  CHECK_FALSE(put_kept_page(page, key_of(10), 1, 11, batch));    // Of lines behind the snapshot.
  for (const size_t size : {size_t{1}, size_t{3}, size_t{5}, size_t{50}, page.rows.size() - 1}) {
    auto cut = page;
    cut.rows.resize(size);
    CHECK_FALSE(put_kept_page(cut, key_of(10), 1, 100, batch));
  }
  auto stuck = page;
  stuck.last = key_of(10);  // It would be asked for again and again.
  CHECK_FALSE(put_kept_page(stuck, key_of(10), 1, 100, batch));
}
