// Shows that JSON bodies are read and refused as documented.
#include "base/json.hpp"

#include <catch2/catch.hpp>

#include "base/error_catalog.hpp"
#include "base/hash.hpp"

using namespace muster;

TEST_CASE("a document nested deeper than the limit is refused before it is built") {
  const std::string deep(100'000, '[');
  const auto parsed = parse_json(deep);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "bad.json");
  CHECK(parsed.error().detail.find("64 levels") != std::string::npos);
}

TEST_CASE("brackets inside strings do not count as nesting") {
  CHECK(parse_json("\"" + std::string(1000, '[') + "\""));
}

TEST_CASE("malformed, empty and non-UTF-8 documents are refused with the place") {
  CHECK(parse_json("{\"a\":}").error().detail == "bad json at byte 6");
  CHECK_FALSE(parse_json(""));
  CHECK_FALSE(parse_json("{\"a\":\"\xff\"}"));
  CHECK_FALSE(parse_json("{} {}"));
}

TEST_CASE("canonical JSON has sorted keys and no white space") {
  CHECK(canonical_json(*parse_json(R"({"b": [1, {"z":0,"a":1}], "a": "x"})")) ==
        R"({"a":"x","b":[1,{"a":1,"z":0}]})");
}

TEST_CASE("the idempotency key's desired hash of an empty section is the contract's") {
  CHECK(sha256_hex("{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

TEST_CASE("a string is written with its quotes, controls escaped") {
  std::string out;
  append_json_string(out, "a\"b\\c\n\x01\xc3\xa9");
  CHECK(out == "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\"");
  CHECK(Json::parse(out).get<std::string>() == "a\"b\\c\n\x01\xc3\xa9");
}

TEST_CASE("UTF-8 is told from what is not") {
  CHECK(is_utf8("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
  for (const auto* bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("the error catalog is sorted, and an unknown code counts as internal") {
  const auto all = error_catalog();
  for (size_t i = 1; i < all.size(); i++) CHECK(all[i - 1].code < all[i].code);
  CHECK(error_kind("no.such.code").code == "internal");
}
