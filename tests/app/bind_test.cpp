// Where a node listens, with and without credentials.
#include "app/config/bind.hpp"

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::config;

namespace {

Result<Bind> bind_of(std::vector<Given> flags, bool has_tokens = false) {
  const auto config = combine(
    "", {}, [](std::string_view) { return std::nullopt; }, flags);
  REQUIRE(config);
  return resolve_bind(*config, has_tokens);
}

Given flag(const std::string& name, const std::string& text) {
  return {name, text, "--" + name};
}

}  // namespace

TEST_CASE("a bare port without credentials binds loopback and says so", "[S1-02]") {
  for (const char* text : {":8070", "8070"}) {
    const auto bind = bind_of({flag("addr", text)});
    REQUIRE(bind);
    CHECK(bind->listen.host == "127.0.0.1");
    CHECK(bind->listen.port == 8070);
    CHECK(bind->loopback);
    CHECK(bind->notice.find("loopback only") != std::string::npos);
  }
}

TEST_CASE("a bare port with any credential binds every address", "[S1-02]") {
  for (const auto& credential : {flag("api-key", "k"), flag("api-key-file", "f"),
                                 flag("jwks-url", "http://x"), flag("join-token", "t")}) {
    const auto bind = bind_of({flag("bind", ":1"), credential});
    REQUIRE(bind);
    CHECK(bind->listen.host == "0.0.0.0");
    CHECK_FALSE(bind->loopback);
    CHECK(bind->notice.empty());
  }
  CHECK(bind_of({}, true)->listen.host == "0.0.0.0");
}

TEST_CASE("anything but loopback without credentials is refused, with what to do") {
  for (const char* text : {"0.0.0.0:8070", "10.0.0.7:1", "[::]:8070"}) {
    const auto bind = bind_of({flag("bind", text)});
    REQUIRE_FALSE(bind);
    CHECK(bind.error().code == "bind.refused");
    CHECK(bind.error().detail.find("--api-key-file") != std::string::npos);
    CHECK(bind_of({flag("bind", text)}, true));
  }
}

TEST_CASE("loopback needs no credentials in any spelling", "[S3-27]") {
  for (const auto& [text, host] : {std::pair{"127.0.0.1:0", "127.0.0.1"},
                                   {"localhost:0", "127.0.0.1"},
                                   {"[::1]:0", "::1"},
                                   {"127.9.9.9:0", "127.9.9.9"}}) {
    const auto bind = bind_of({flag("bind", text)});
    REQUIRE(bind);
    CHECK(bind->listen.host == host);
    CHECK(bind->notice.empty());
  }
}

TEST_CASE("dev mode stays on loopback, whatever the credentials") {
  CHECK(bind_of({flag("dev", "true"), flag("api-key", "k")})->listen.host == "127.0.0.1");
  const auto bind = bind_of({flag("dev", "true"), flag("api-key", "k"), flag("bind", "0.0.0.0:1")});
  REQUIRE_FALSE(bind);
  CHECK(bind.error().code == "bind.refused");
}

TEST_CASE("an address that cannot be read, and half a certificate, are told") {
  for (const char* text :
       {"", ":", "x:1", "1.2.3:80", ":70000", "::1:80", "[::1]", "127.0.0.1", "host name:1"}) {
    INFO(text);
    const auto bind = bind_of({flag("bind", text)});
    REQUIRE_FALSE(bind);
    CHECK(bind.error().code == "config.invalid");
  }
  CHECK_FALSE(bind_of({flag("tls-cert", "c.pem")}));
  CHECK(bind_of({flag("tls-cert", "c.pem"), flag("tls-key", "k.pem")})->listen.tls_key == "k.pem");
}

TEST_CASE("the limits of the edge are those of its defaults until configured") {
  const auto none = [](std::string_view) { return std::nullopt; };
  const http::Limits usual;
  const auto limits = http_limits(*combine("", {}, none, {}));
  CHECK(limits.max_header == usual.max_header);
  CHECK(limits.max_body == usual.max_body);
  CHECK(limits.max_connections == usual.max_connections);
  CHECK(limits.header_timeout == usual.header_timeout);
  CHECK(limits.body_timeout == usual.body_timeout);
  CHECK(limits.write_timeout == usual.write_timeout);
  CHECK(limits.idle_timeout == usual.idle_timeout);
  CHECK(limits.stall_timeout == usual.stall_timeout);
  CHECK(limits.drain_timeout == usual.drain_timeout);
  CHECK(http_limits(*combine("", {}, none, {flag("max-body", "2MiB")})).max_body == 2 << 20);
}
