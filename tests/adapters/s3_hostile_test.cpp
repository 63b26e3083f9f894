// Shows what S3 storage makes of servers that are slow, lying, broken or somebody's trap.
#include <atomic>
#include <memory>

#include <catch2/catch.hpp>

#include "tests/adapters/fake_s3.hpp"
#include "tests/adapters/strange_tls_server.hpp"

using namespace muster;
using namespace muster::test;

namespace {

/// What each call comes to, as codes.
std::vector<std::string> codes_of(S3Storage& storage) {
  std::vector<std::string> codes;
  const auto add = [&](const auto& told) {
    codes.push_back(told ? "none" : told.error().code);
    if (!told)
      for (const auto* word : {"AKEXAMPLE", "SKEXAMPLE", "Signature="})
        CHECK(told.error().detail.find(word) == std::string::npos);
  };
  add(storage.ensure_bucket("media", kAsk));
  add(storage.ensure_versioning("media", true, kAsk));
  add(storage.ensure_lifecycle("media", {{"a", "", 1}}, kAsk));
  add(storage.ensure_tags("media", {{"a", "b"}}, kAsk));
  add(storage.buckets());
  return codes;
}

std::vector<std::string> all(const std::string& code) {
  return std::vector<std::string>(5, code);
}

}  // namespace

TEST_CASE("each answer of an S3 server has its code, and credentials are in no text") {
  struct Row {
    int status;
    std::string body, code;
  };
  for (const auto& row :
       {Row{403, error_xml("SignatureDoesNotMatch"), "backend.refused"},
        Row{403, error_xml("InvalidAccessKeyId"), "backend.refused"}, Row{401, "", "backend.refused"},
        Row{400, error_xml("AuthorizationHeaderMalformed"), "backend.refused"},
        Row{429, "", "backend.throttled"}, Row{503, error_xml("SlowDown"), "backend.throttled"},
        Row{503, "", "unreachable"}, Row{500, error_xml("InternalError"), "backend.failed"},
        Row{502, std::string(100'000, '<'), "backend.failed"},
        Row{301, error_xml("PermanentRedirect"), "backend.conflict"}, Row{307, "", "backend.conflict"}}) {
    TinyServer server([&](const std::string& request) {
      return http_answer(row.status, request.starts_with("HEAD ") ? "" : row.body);
    });
    S3Storage storage(settings_for(server));
    CAPTURE(row.status, row.code);
    auto expected = all(row.code);
    if (row.status == 503) expected[0] = "unreachable";  // A HEAD has no body that would say SlowDown.
    CHECK(codes_of(storage) == expected);
  }
}

TEST_CASE("a server that says so is in another region, and nothing follows it there") {
  TinyServer server([](const std::string&) {
    return "HTTP/1.1 301 X\r\nx-amz-bucket-region: eu-central-1\r\nLocation: http://127.0.0.1:1/\r\n"
           "Content-Length: 0\r\n\r\n";
  });
  S3Storage storage(settings_for(server));
  const auto told = storage.ensure_bucket("media", kAsk);
  CHECK(told.error() == Error{"backend.conflict", "media is in the region eu-central-1"});
  CHECK(server.requests() == 1);
}

TEST_CASE("a throttling server says when to ask again, and that is handed on with a bound") {
  std::string wait = "17";
  TinyServer server([&](const std::string&) {
    return "HTTP/1.1 503 X\r\nRetry-After: " + wait + "\r\nContent-Length: 0\r\n\r\n";
  });
  S3Storage storage(settings_for(server));
  const auto told = storage.ensure_tags("media", {{"a", "b"}}, kAsk);
  CHECK(told.error().code == "backend.throttled");
  CHECK(told.error().detail.find("in 17 s") != std::string::npos);
  CHECK(storage.retry_after() == std::chrono::seconds{17});
  CHECK(server.requests() == 1);  // Never again by itself.
  for (const auto* far : {"99999999", "9223372036854775807"}) {
    wait = far;
    CHECK_FALSE(storage.ensure_tags("media", {{"a", "b"}}, kAsk));
    CHECK(storage.retry_after() == HttpReply::kMaxRetryAfter);
  }
  for (const auto* none : {"-5", "soon", "99999999999999999999999999", "0"}) {
    wait = none;
    CHECK(storage.ensure_tags("media", {{"a", "b"}}, kAsk).error().code == "unreachable");
    CHECK(storage.retry_after().count() == 0);
  }
}

TEST_CASE("XML that cannot be right is told, and nothing is written over what could not be read") {
  std::string deep = "<LifecycleConfiguration>", laughs = "<!DOCTYPE lolz [<!ENTITY a \"lol\">";
  for (int i = 0; i < 200'000; i++) deep += "<a>";
  for (char c = 'b'; c < 'k'; c++) {
    laughs += std::string("<!ENTITY ") + c + " \"";
    for (int i = 0; i < 10; i++) laughs += std::string("&") + static_cast<char>(c - 1) + ";";
    laughs += "\">";
  }
  laughs += "]><LifecycleConfiguration><Rule><ID>&j;</ID></Rule></LifecycleConfiguration>";
  std::string nested = "<a>";
  for (int i = 0; i < 33; i++) nested = "<a>" + nested + "</a>";
  for (const auto& body :
       {std::string{}, std::string("{}"), std::string("<Lifecycle"), std::string("<LifecycleConfiguration>"),
        std::string("<html><body>Welcome</body></html>"), std::string("<Tagging></Versioning>"),
        std::string("\0\0", 2), std::string("<Tagging>\xff</Tagging>"), deep, laughs,
        "<LifecycleConfiguration>" + nested, nested,
        std::string("<LifecycleConfiguration><Rule><Status>Perhaps</Status></Rule></LifecycleConfiguration>"),
        std::string("<Tagging><TagSet><Tag><Value>x</Value></Tag></TagSet></Tagging>"),
        std::string("<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"),
        std::string(s3::kMaxDocument + 1, ' ')}) {
    FakeS3 fake([&](FakeS3&, const std::string& request) {
      return request.starts_with("GET ") ? http_answer(200, body) : std::string{};
    });
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    CAPTURE(body.substr(0, 60));
    CHECK(codes_of(storage) == std::vector<std::string>{"none", "backend.reply", "backend.reply",
                                                        "backend.reply", "backend.reply"});
    CHECK(fake.puts() == 0);
  }
}

TEST_CASE("a document type, or depth, is refused where all else is right") {
  const auto nested = [](int levels) {
    std::string inner;
    for (int i = 0; i < levels; i++) inner = "<a>" + inner + "</a>";
    return "<Tagging><TagSet/>" + inner + "</Tagging>";
  };
  CHECK(s3::Document::parse("<?xml version=\"1.0\"?>" + nested(s3::kMaxDepth - 1), "Tagging"));
  for (const auto& text : {nested(s3::kMaxDepth), "<!DOCTYPE Tagging>" + nested(1),
                           "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]>" + nested(1)}) {
    const auto parsed = s3::Document::parse(text, "Tagging");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == "backend.reply");
  }
}

TEST_CASE("a server's good answer is neither repeated without end nor with the secret key in it") {
  const auto told_of = [](const std::string& part, const std::string& body) {
    FakeS3 fake;
    fake.kept[part] = body;
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    return part == "tagging" ? storage.ensure_tags("media", {{"a", "b"}}, kAsk)
                             : storage.ensure_lifecycle("media", {{"a", "x/", 1}}, kAsk);
  };
  const auto rule = [](const std::string& id, const std::string& prefix) {
    return "<LifecycleConfiguration><Rule><ID>" + id + "</ID><Prefix>" + prefix +
           "</Prefix><Status>Enabled</Status></Rule></LifecycleConfiguration>";
  };
  const auto tag = [](const std::string& key, const std::string& value) {
    return "<Tagging><TagSet><Tag><Key>" + key + "</Key><Value>" + value +
           "</Value></Tag></TagSet></Tagging>";
  };
  std::string umlauts;
  for (int i = 0; i < 256; i++) umlauts += "\xc3\xa4";
  CHECK(told_of("lifecycle", rule("a", std::string(1024, 'x'))));
  CHECK(told_of("lifecycle", rule(umlauts.substr(2), "x")));
  CHECK(told_of("tagging", tag("a", umlauts)));
  const std::string huge(3 << 20, 'x');
  for (const auto& body : {rule("a", huge), rule(huge, "x/"), rule("a", "&#xD800;"), rule(umlauts, "x"),
                           rule("a", std::string(1025, 'x'))})
    CHECK(told_of("lifecycle", body).error().code == "backend.reply");
  for (const auto& body : {tag("a", huge), tag(huge, "b"), tag("a", "&#xDFFF;"), tag("a", umlauts + "x")})
    CHECK(told_of("tagging", body).error().code == "backend.reply");
  const auto drifted = told_of("lifecycle", rule("a", "Bearer SKEXAMPLE"));
  CHECK(drifted->outcome == environment::Outcome::drifted);
  CHECK(drifted->actual[0]["prefix"] == "Bearer ***");
  CHECK(told_of("tagging", tag("a", "SKEXAMPLE"))->actual["a"] == "***");
  TinyServer server([](const std::string&) { return http_answer(400, error_xml("SKEXAMPLE")); });
  S3Storage storage(settings_for(server));
  CHECK(codes_of(storage) == all("backend.refused"));
}

TEST_CASE("a 404 that does not say that there is nothing is no empty configuration") {
  for (const auto& body : {std::string{}, std::string("<html/>"), error_xml("NoSuchKey")}) {
    FakeS3 fake([&](FakeS3&, const std::string& request) {
      return request.starts_with("GET ") ? http_answer(404, body) : std::string{};
    });
    TinyServer server(fake.handler());
    S3Storage storage(settings_for(server));
    CHECK(codes_of(storage) == std::vector<std::string>{"none", "backend.reply", "backend.reply",
                                                        "backend.reply", "backend.reply"});
    CHECK(fake.puts() == 0);
  }
}

TEST_CASE("silent, half-open, endless and babbling servers end each call in time") {
  const auto coded = [](const std::string& answer, const std::string& code) {
    TinyServer server([&](const std::string&) { return answer; });
    auto settings = settings_for(server);
    settings.total_timeout = Millis{150};
    S3Storage storage(settings);
    CAPTURE(answer.substr(0, 60));
    CHECK(storage.ensure_tags("media", {{"a", "b"}}, kAsk).error().code == code);
  };
  coded("", "unreachable");
  coded("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n<Tagging>", "unreachable");
  coded("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<Tag\r\n", "unreachable");
  coded("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "unreachable");
  coded("SSH-2.0-OpenSSH_9.2p1\r\n", "backend.reply");
  coded("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + std::string(s3::kMaxDocument + 1, 'x'),
        "backend.reply");
  std::string headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 2'000; i++)
    headers += "x-filler-" + std::to_string(i) + ": " + std::string(50, 'x') + "\r\n";
  coded(headers + "Content-Length: 0\r\n\r\n", "backend.reply");
}

TEST_CASE("a slow server takes no longer for all requests of a call than for one") {
  std::atomic<int> seconds{0};
  FakeS3 fake([&](FakeS3& self, const std::string& request) {
    seconds += 8;  // Until it answers; and what is written is lost.
    return request.starts_with("PUT ") ? http_answer(200, "") : self.answer(request);
  });
  TinyServer server(fake.handler());
  auto settings = settings_for(server);
  settings.total_timeout = Millis{20'000};
  settings.clock = [&] { return SteadyTime{} + std::chrono::seconds{seconds}; };
  S3Storage storage(settings);
  CHECK(storage.ensure_tags("media", {{"a", "b"}}, kAsk).error().code == "unreachable");
  server.stop();
  CHECK(fake.seen.size() == 3);
}

TEST_CASE("nobody there is unreachable, and an endpoint that is none is refused without its text") {
  std::string gone;
  {
    const TinyServer server([](const std::string&) { return ""; });
    gone = server.url("");
  }
  S3Storage nobody({gone, {"AKEXAMPLE", "SKEXAMPLE"}});
  CHECK(codes_of(nobody) == all("unreachable"));
  for (const auto* endpoint : {"", "minio:9000", "ftp://minio", "http://AKEXAMPLE:SKEXAMPLE@minio",
                               "http://minio/path", "http://minio?x", "http://"}) {
    S3Storage storage({endpoint, {"AKEXAMPLE", "SKEXAMPLE"}});
    CAPTURE(endpoint);
    CHECK(codes_of(storage) == all("field.invalid"));
  }
}

TEST_CASE("a server whose certificate nobody vouches for, or is of another name, is not talked to") {
  const StrangeTlsServer server;
  S3Settings settings{server.url(), {"AKEXAMPLE", "SKEXAMPLE"}};
  S3Storage unknown(settings);
  CHECK(codes_of(unknown) == all("tls.untrusted"));
  settings.ca_file = server.certificate();
  S3Storage other_name(settings);
  CHECK(codes_of(other_name) == all("tls.untrusted"));
}
