// Bytes out of hex and digests.
#include "base/bytes.hpp"

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("hex that was written is read back, whatever the bytes") {
  std::string all;
  for (int i = 0; i < 256; i++) all += static_cast<char>(i);
  CHECK(bytes_from_hex(to_hex(all)) == all);
  const auto digest = sha256("some");
  CHECK(bytes_from_hex(to_hex(digest)) == bytes_of(digest));
}

TEST_CASE("what is no lower-case hex, half a byte, or nothing is refused") {
  for (const auto* text : {"", "a", "abc", "AB", "0g", "0x", " 00", "0\n"}) CHECK_FALSE(bytes_from_hex(text));
}

TEST_CASE("random bytes are as many as asked for, and not the same twice") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(33).size() == 33);
  CHECK(random_bytes(16) != random_bytes(16));
}
