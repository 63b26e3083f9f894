// Shows what a problem document looks like.
#include <catch2/catch.hpp>

#include "base/json.hpp"
#include "http/message.hpp"

using namespace muster;
using namespace muster::http;

TEST_CASE("a problem names its code, every bad field and the request", "[S1-21][S3-105]") {
  Error error{"field.invalid", "two fields", {{"/name", "is \"missing\""}, {"/tags/0", "line\nbreak"}}};
  const auto response = problem(error, "req-1");
  CHECK(response.status == 400);
  CHECK(response.content_type == "application/problem+json");
  const auto body = Json::parse(response.body);
  CHECK(body["type"] == "https://muster.dev/problems/field.invalid");
  CHECK(body["title"] == "A field is not valid");
  CHECK(body["status"] == 400);
  CHECK(body["detail"] == "two fields");
  CHECK(body["code"] == "field.invalid");
  CHECK(body["retryable"] == false);
  CHECK(body["outcome"] == "not_done");
  CHECK(body["request"] == "req-1");
  REQUIRE(body["errors"].size() == 2);
  CHECK(body["errors"][0] == Json{{"pointer", "/name"}, {"message", "is \"missing\""}});
  CHECK(body["errors"][1]["message"] == "line\nbreak");
  CHECK(response.headers.empty());
}

TEST_CASE("problems that clients of flowd know have the types that they know them by") {
  const auto type = [](const char* code) {
    return Json::parse(problem(Error{code, ""}, "").body)["type"].get<std::string>();
  };
  CHECK(type("cursor.expired") == "https://flowd.dev/problems/cursor-expired");
  CHECK(type("idempotency.conflict") == "https://flowd.dev/problems/idempotency-key-conflict");
  CHECK(type("source-signature-invalid") == "https://flowd.dev/problems/source-signature-invalid");
  CHECK(type("storage.degraded") == "https://flowd.dev/problems/storage-degraded");
  CHECK(type("extension.unsupported") == "about:blank#extension-unsupported");
}

TEST_CASE("a problem that time may heal says when to retry, and whether it may have happened", "[S3-105]") {
  Error lost{"leader.lost", "gone", {}, true};
  const auto response = problem(lost, "");
  CHECK(response.status == 503);
  CHECK(response.headers == Headers{{"Retry-After", "1"}});
  const auto body = Json::parse(response.body);
  CHECK(body["retryable"] == true);
  CHECK(body["outcome"] == "unknown");
  CHECK(problem(Error{"rate.limited", ""}, "").headers == Headers{{"Retry-After", "1"}});
  CHECK(problem(Error{"request.timeout", ""}, "").headers.empty());
}

TEST_CASE("a problem is JSON whatever its detail quotes", "[S3-105]") {
  const auto response = problem(Error{"bad.request", "quote \" back \\ nul \x01 bytes \xff\xfe"}, "x");
  const auto body = Json::parse(response.body);
  CHECK(body["detail"] == "quote \" back \\ nul \x01 bytes ??");
  CHECK(Json::parse(problem(Error{"no.such.code", "d"}, "").body)["code"] == "internal");
}

TEST_CASE("a reply that is dropped answers internal, one that was given is not answered twice") {
  std::vector<Response> got;
  const auto keep = [&](Response r) { got.push_back(std::move(r)); };
  { const Reply reply(keep, "r-9"); }
  REQUIRE(got.size() == 1);
  CHECK(got[0].status == 500);
  CHECK(Json::parse(got[0].body)["request"] == "r-9");
  {
    const Reply reply(keep);
    const Reply copy = reply;
    copy(json_response("{}"));
    reply(json_response("{}", 201));
  }
  REQUIRE(got.size() == 2);
  CHECK(got[1].status == 200);
}

TEST_CASE("query values are decoded, the first of several counts") {
  Request request;
  request.query = "a=1&b=x%20y+z&a=2&flag&e=%C3%A9&k%65y=v";
  CHECK(request.query_value("a") == "1");
  CHECK(request.query_value("b") == "x y z");
  CHECK(request.query_value("flag") == "");
  CHECK(request.query_value("e") == "\xC3\xA9");
  CHECK(request.query_value("key") == "v");
  CHECK_FALSE(request.query_value("c"));
}
