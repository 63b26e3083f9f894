// Shows how AMQP URLs are read, and that a refusal never shows what was given.
#include "adapters/amqp_url.hpp"

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("an AMQP URL is read part by part, each percent-decoded", "[S2-37]") {
  const auto full = parse_amqp_url("amqps://us%65r:p%40ss%2F%3a@broker.example:1234/other%2Fone");
  REQUIRE(full);
  CHECK(full->tls);
  CHECK(full->user == "user");
  CHECK(full->password == "p@ss/:");
  CHECK(full->host == "broker.example");
  CHECK(full->port == 1234);
  CHECK(full->vhost == "other/one");
  CHECK(full->shown() == "amqps://broker.example:1234/other/one");

  const auto bare = parse_amqp_url("amqp://h");
  REQUIRE(bare);
  CHECK_FALSE(bare->tls);
  CHECK(bare->user == "guest");
  CHECK(bare->password == "guest");
  CHECK(bare->port == 5672);
  CHECK(bare->vhost == "/");
  CHECK(bare->shown() == "amqp://h:5672/");

  CHECK(parse_amqp_url("amqps://h")->port == 5671);
  CHECK(parse_amqp_url("amqp://h/")->vhost == "/");
  CHECK(parse_amqp_url("amqp://h/%2F")->vhost == "/");
  CHECK(parse_amqp_url("amqp://h/%2fx")->vhost == "/x");
  CHECK(parse_amqp_url("amqp://only@h")->user == "only");
  CHECK(parse_amqp_url("amqp://only@h")->password.empty());
  CHECK(parse_amqp_url("amqp://[::1]:99/v")->host == "::1");
  CHECK(parse_amqp_url("amqp://[::1]:99/v")->port == 99);
  CHECK(parse_amqp_url("amqp://[::1]/v")->shown() == "amqp://[::1]:5672/v");
}

TEST_CASE("what is no AMQP URL is refused without being shown") {
  for (const std::string& text : {std::string(""),
                                  std::string("http://u:secret@h"),
                                  std::string("amqp://"),
                                  std::string("amqp://u:secret@"),
                                  std::string("amqp://u:secret@:5672"),
                                  std::string("amqp://u:secret@h:0"),
                                  std::string("amqp://u:secret@h:65536"),
                                  std::string("amqp://u:secret@h:12x"),
                                  std::string("amqp://u:secret@h:"),
                                  std::string("amqp://u:secret@[::1"),
                                  std::string("amqp://u:secret@[::1]x"),
                                  std::string("amqp://u:secret%@h"),
                                  std::string("amqp://u:secret%0@h"),
                                  std::string("amqp://u:secret%zz@h"),
                                  std::string("amqp://u:secret%00@h"),
                                  std::string("amqp://u:secret@h/a/b"),
                                  std::string("amqp://u:secret@h/%"),
                                  std::string("amqp://u:secret@h?heartbeat=1"),
                                  "amqp://u:secret@" + std::string(254, 'h'),
                                  "amqp://u:secret@h/" + std::string(256, 'v'),
                                  "amqp://u:secret@h/" + std::string(kMaxAmqpUrl, 'v')}) {
    CAPTURE(text);
    const auto url = parse_amqp_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == "field.invalid");
    CHECK_THAT(url.error().detail, !Catch::Contains("secret"));
  }
}

TEST_CASE("the management API's URL may name another user than the broker's", "[S2-37]") {
  const auto broker = *parse_amqp_url("amqp://maker:let-me-make@h");
  const auto own = parse_management_url("https://us%65r:p%40ss%2F@h.example:15671/prefix/", broker);
  REQUIRE(own);
  CHECK(own->url == "https://h.example:15671/prefix");
  CHECK(own->user == "user");
  CHECK(own->password == "p@ss/");
  const auto same = parse_management_url("http://[::1]:15672", broker);
  REQUIRE(same);
  CHECK(same->url == "http://[::1]:15672");
  CHECK(same->user == "maker");
  CHECK(same->password == "let-me-make");
  CHECK(parse_management_url("http://only@h", broker)->password.empty());
  for (const auto* text : {"", "h", "amqp://u:secret@h", "http://", "http://u:secret@", "http://u:secret%@h",
                           "http://u:secret@h:x", "http://u:secret@h?a", "http://u:secret@h/#a",
                           "http://u:sec/ret@h", "http://u:secret@h o"}) {
    CAPTURE(text);
    const auto url = parse_management_url(text, broker);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == "field.invalid");
    CHECK_THAT(url.error().detail, !Catch::Contains("secret"));
  }
}
