// Packing small texts.
#include "events/log/pack.hpp"

#include <catch2/catch.hpp>

#include "events/log/chain.hpp"
#include "events/log/memory_disk.hpp"

using namespace muster;
using namespace muster::log;

namespace {

std::string repeating(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; i++) text += R"({"seq":)" + std::to_string(i) + R"(,"node":"n1"})";
  return text;
}

}  // namespace

TEST_CASE("what is packed unpacks to the same bytes, behind what was there") {
  const auto text = repeating(20'000);
  std::string packed = "before";
  REQUIRE(pack(text, packed));
  CHECK(packed.starts_with("before"));
  CHECK(packed.size() < text.size() / 2);
  std::string back = "something else";
  REQUIRE(unpack(std::string_view{packed}.substr(6), back));
  CHECK(back == text);
}

TEST_CASE("a text that does not repeat itself is left as it is") {
  std::string text, out = "kept";
  for (uint32_t n = 1; text.size() < 4000; n = n * 1664525 + 1013904223) text += static_cast<char>(n >> 24);
  CHECK_FALSE(pack(text, out));
  CHECK_FALSE(pack(repeating(100), out));
  CHECK(out == "kept");
}

TEST_CASE("bytes that nobody packed are refused") {
  const auto text = repeating(5'000);
  std::string packed, back;
  REQUIRE(pack(text, packed));
  for (size_t size = 0; size < packed.size(); size++)
    CHECK_FALSE(unpack(std::string_view{packed}.substr(0, size), back));
  CHECK_FALSE(unpack(std::string(100, '\xff'), back));
  packed[0] = static_cast<char>(packed[0] + 1);
  CHECK_FALSE(unpack(packed, back));
}

TEST_CASE("packed rows are read, passed through and dropped line by line") {
  MemoryDisk disk;
  Batch batch;
  RowWriter rows;
  const auto line = [](uint64_t seq) {
    return R"({"seq":)" + std::to_string(seq) + R"(,"data":)" + std::string(200, 'x');
  };
  for (uint64_t seq = 1; seq <= 400; seq++) rows.add(seq, line(seq), batch);
  rows.finish(batch);
  CHECK(batch.bytes() < 400 * 100);
  REQUIRE(disk.write(batch, true));
  const ChainReader reader{disk};
  for (const uint64_t seq : {1, 2, 137, 399, 400}) CHECK(reader.line(seq) == line(seq));
  CHECK(reader.text_from(400, 100) == line(400) + "\n");
  REQUIRE(drop_lines(disk, 57));
  CHECK(reader.oldest() == 58);
  CHECK(reader.line(58) == line(58));
  CHECK_FALSE(reader.line(401));
}
