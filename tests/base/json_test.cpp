// Shows that JSON bodies are read and refused as documented.
#include "base/json.hpp"

#include <map>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "base/error_catalog.hpp"
#include "base/hash.hpp"
#include "base/utf8.hpp"

using namespace muster;

namespace {

/// UTF-8 of a code point; surrogates become what is not one.
void append_code_point(std::string& to, uint32_t unit) {
  if (unit >= 0xd800 && unit < 0xe000) unit += 0x1'0000;
  const auto tail = [&](int shift) { to += static_cast<char>(0x80 | (unit >> shift & 0x3f)); };
  if (unit < 0x80) {
    to += static_cast<char>(unit);
  } else if (unit < 0x800) {
    to += static_cast<char>(0xc0 | unit >> 6);
    tail(0);
  } else if (unit < 0x1'0000) {
    to += static_cast<char>(0xe0 | unit >> 12);
    tail(6), tail(0);
  } else {
    to += static_cast<char>(0xf0 | unit >> 18);
    tail(12), tail(6), tail(0);
  }
}

}  // namespace

TEST_CASE("a document nested deeper than the limit is refused before it is built") {
  const std::string deep(100'000, '[');
  const auto parsed = parse_json(deep);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "bad.json");
  CHECK(parsed.error().detail.find("64 levels") != std::string::npos);
}

TEST_CASE("an object with more keys than the limit is refused before it is built") {
  const auto object_of = [](size_t n) {
    std::string text = "[{},{";
    for (size_t i = 0; i < n; i++) text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":{\"x\":\":::\"}";
    return text + "}]";
  };
  CHECK(parse_json(object_of(kMaxJsonKeys)));
  const auto parsed = parse_json(object_of(kMaxJsonKeys + 1));
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().detail == "bad json: an object with more than 1024 keys");
  CHECK_FALSE(parse_json(object_of(100'000)));
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

TEST_CASE("a NUL does not end a document: what follows it is not passed over") {
  CHECK(parse_json(std::string_view{"{}\0garbage", 10}).error().detail == "bad json at byte 3");
  CHECK_FALSE(parse_json(std::string_view{"{}\0", 3}));
  CHECK_FALSE(parse_json(std::string_view{"{\"a\":\"\0\"}", 9}));
}

TEST_CASE("any string survives its JSON form, and only UTF-8 passes for it") {
  CHECK(rc::check("append_json_string and back", [](const std::vector<uint16_t>& units) {
    std::string text;
    for (const auto unit : units) append_code_point(text, unit);
    RC_ASSERT(is_utf8(text));
    std::string quoted;
    append_json_string(quoted, text);
    RC_ASSERT(parse_json(quoted)->get<std::string>() == text);
  }));
  CHECK(rc::check("is_utf8 agrees with the parser", [](const std::string& bytes) {
    std::string quoted;
    append_json_string(quoted, bytes);
    RC_ASSERT(is_utf8(bytes) == bool(parse_json(quoted)));
  }));
}

TEST_CASE("canonical JSON does not depend on the order of keys, and parses to itself") {
  CHECK(rc::check("any map", [](const std::map<std::string, int>& rows) {
    Json forwards = Json::object(), backwards = Json::object();
    for (const auto& [key, value] : rows)
      if (is_utf8(key)) forwards[key] = value;
    for (auto row = rows.rbegin(); row != rows.rend(); ++row)
      if (is_utf8(row->first)) backwards[row->first] = row->second;
    RC_ASSERT(canonical_json(forwards) == canonical_json(backwards));
    RC_ASSERT(canonical_json(*parse_json(canonical_json(forwards))) == canonical_json(forwards));
  }));
}

TEST_CASE("canonical JSON has sorted keys and no white space") {
  CHECK(canonical_json(*parse_json(R"({"b": [1, {"z":0,"a":1}], "a": "x"})")) ==
        R"({"a":"x","b":[1,{"a":1,"z":0}]})");
}

TEST_CASE("the idempotency key's desired hash of an empty section is the contract's", "[S2-45]") {
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

TEST_CASE("what is not UTF-8 is shown as it, and no character is cut in two") {
  constexpr auto kMost = std::string_view::npos;
  CHECK(as_utf8("plain \xc3\xa9 \xe2\x82\xac", kMost) == "plain \xc3\xa9 \xe2\x82\xac");
  CHECK(as_utf8("a\xff"
                "b\xc3",
                kMost) ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd");
  CHECK(as_utf8(std::string_view{"a\0b", 3}, kMost) ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(as_utf8("ab\xe2\x82\xac", 4) == "ab");
  CHECK(as_utf8("ab\xe2\x82\xac", 5) == "ab\xe2\x82\xac");
  CHECK(as_utf8("abc", 0).empty());
  CHECK(rc::check("it is UTF-8, and stays as it is when it was", [](const std::string& bytes, uint8_t most) {
    const auto made = as_utf8(bytes, most);
    RC_ASSERT(is_utf8(made));
    RC_ASSERT(made.size() <= most);
    RC_ASSERT(as_utf8(made, most) == made);
  }));
}

TEST_CASE("the error catalog is sorted, and an unknown code counts as internal") {
  const auto all = error_catalog();
  for (size_t i = 1; i < all.size(); i++) CHECK(all[i - 1].code < all[i].code);
  CHECK(error_kind("no.such.code").code == "internal");
}
