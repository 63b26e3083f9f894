// Shows which names and ids are accepted.
#include "domain/names.hpp"

#include <catch2/catch.hpp>

#include "domain/object_reader.hpp"

using namespace muster;
using namespace muster::names;

TEST_CASE("an id is 1 to 128 printable characters") {
  for (const std::string good : {"n1", "edge-a.example", "käse 7", "a:b@c", "日本"})
    CHECK(id_fault(good).empty());
  CHECK(id_fault(std::string(128, 'x')).empty());
  std::string wide;
  for (int i = 0; i < 128; i++) wide += "\xf0\x9f\x98\x80";
  CHECK(id_fault(wide).empty());
  CHECK(id_fault(wide + "x") == "is longer than 128 characters");
}

TEST_CASE("an id that breaks paths, logs or eyes is refused") {
  for (const std::string& bad :
       {std::string(), std::string(129, 'x'), std::string(10'000, 'x'), std::string("a/b"),
        std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b[31m"), std::string(" a"),
        std::string("a "), std::string("\xff"), std::string("a\x7f"), std::string("\xc2\x85"),
        std::string("a\xe2\x80\xae"
                    "b"),
        std::string("a\xe2\x80\x8b"),
        std::string("\xef\xbb\xbf"
                    "a"),
        std::string("\xc2\xa0"
                    "a"),
        std::string("."), std::string("..")}) {
    CAPTURE(bad);
    CHECK_FALSE(id_fault(bad).empty());
  }
}

TEST_CASE("a URL is http or https with a host and no password") {
  for (const auto* good : {"http://10.0.0.7:8070", "https://a.example/x?y#z", "http://[::1]:80/", "http://h"})
    CHECK(url_fault(good).empty());
  for (const auto* bad :
       {"", "ftp://x", "http://", "http:///x", "http://:80", "http://h:0", "http://h:70000", "http://h:x",
        "http://a b", "http://u:p@h", "HTTP//x", "http://h\n", "http://[::1", "http://\xc3\xa9"}) {
    CAPTURE(bad);
    CHECK_FALSE(url_fault(bad).empty());
  }
  CHECK(url_fault("http://h/" + std::string(3000, 'x')) == "is longer than 2048 bytes");
}

TEST_CASE("pointers escape tildes and slashes") {
  CHECK(pointer_to("/a", "b/c~d") == "/a/b~1c~0d");
  CHECK(pointer_to("", size_t{3}) == "/3");
}

TEST_CASE("all faults of a command come back together") {
  Check check;
  check.id("/node_id", "a/b");
  check.url("/url", "nowhere");
  check.map("/versions", {{"a/b", std::string(5000, 'x')}});
  const auto status = check.done();
  REQUIRE_FALSE(status);
  CHECK(status.error().code == "field.invalid");
  REQUIRE(status.error().fields.size() == 3);
  CHECK(status.error().fields[2].pointer == "/versions/a~1b");
}

TEST_CASE("a reader reports wrong types, ranges and unknown keys, and takes null as absent") {
  const auto json = Json::parse(
    R"({"text":1,"count":1.5,"big":18446744073709551615,"flag":"x","list":"x","map":{"k":1},"gone":null,"nmae":1})");
  Check check;
  ObjectReader reader(json, "", check);
  CHECK_FALSE(reader.text("text"));
  CHECK_FALSE(reader.integer("count", 0, 9));
  CHECK_FALSE(reader.integer("big", 0, INT64_MAX));
  CHECK_FALSE(reader.flag("flag"));
  CHECK(reader.texts("list").empty());
  CHECK(reader.text_map("map").empty());
  CHECK_FALSE(reader.text("gone"));
  CHECK_FALSE(reader.text("name", Need::required));
  reader.refuse_unknown();
  CHECK(check.faults().size() == 8);
  CHECK(check.faults().back() == FieldError{"/nmae", "unknown key \"nmae\"; did you mean 'name'?"});
}
