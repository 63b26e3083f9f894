// Shows Signature Version 4 by the vectors of the backends contract, section 1.
#include "adapters/aws_signature.hpp"

#include <catch2/catch.hpp>

#include "base/hash.hpp"

using namespace muster;

namespace {

const aws::Credentials kKeys{"AKEXAMPLE", "SKEXAMPLE"};
const Time kTime = *parse_rfc3339("2026-01-02T03:04:05Z");

std::string header(const aws::Pairs& headers, const std::string& name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

/// What was signed: the request with the headers that are named in what came out.
std::string signed_request(aws::Request request, const aws::Scope& scope, aws::Pairs headers) {
  std::erase_if(headers, [](const auto& each) { return each.first == "authorization"; });
  request.headers = std::move(headers);
  return sha256_hex(aws::canonical_request(request, scope));
}

}  // namespace

TEST_CASE("a request to S3 is signed as the vector says") {
  const aws::Request request{
    "PUT",
    "/media",
    {{"versioning", ""}},
    {{"Host", "127.0.0.1:9000"}},
    R"(<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>)"};
  const aws::Scope scope{"us-east-1", "s3"};
  const auto headers = aws::sign(request, scope, kKeys, kTime);
  CHECK(header(headers, "x-amz-date") == "20260102T030405Z");
  CHECK(header(headers, "x-amz-content-sha256") ==
        "482d4e510b5cdcf0bbf3a044e82832dc711f4f28757a6c06eb21758282a73ef7");
  CHECK(signed_request(request, scope, headers) ==
        "bc94f1f08410ba7b02568a70c1185761b944cc49cc105f125344932c08e9be49");
  CHECK(header(headers, "authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20260102/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=ba8cb09001babdc6d9a5d30e9a2cb03df7ee14d08f7b6f0c2c370be075bef7f6");
  CHECK(aws::content_md5(request.body) == "QQFYoy/mRYV9PGZUfFi0Bw==");
}

TEST_CASE("a request to EC2 is signed as the vector says") {
  const aws::Request request{
    "POST",
    "/",
    {},
    {{"host", "ec2.eu-central-1.amazonaws.com"},
     {"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
    "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3Aapp&Filter.1.Value.1=demo"};
  const aws::Scope scope{"eu-central-1", "ec2"};
  const auto headers = aws::sign(request, scope, kKeys, kTime);
  CHECK(sha256_hex(request.body) == "20daeb27cb0f7e820d70183fa31340fde37451b98f9a78242062c43c6402f980");
  CHECK(header(headers, "x-amz-content-sha256").empty());
  CHECK(signed_request(request, scope, headers) ==
        "7cff5dc9f306db0e1e21daabdab8b9d5fc1c7cd4e9d0d86caa93f5a4b337c128");
  CHECK(header(headers, "authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20260102/eu-central-1/ec2/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=0790711dfa53c5eadadd97773aa87ba81e9c946540843aec26f203a594e1e3f2");
}

TEST_CASE("paths are encoded once for S3 and twice for others, queries are sorted by what they become") {
  const aws::Request request{
    "GET", "/a b/\xc3\xa9", {{"b", "2 ~"}, {"a", "/"}, {"a", ""}, {"B", "x"}}, {}, ""};
  CHECK(
    aws::canonical_request(request, {"r", "s3"}).starts_with("GET\n/a%20b/%C3%A9\nB=x&a=&a=%2F&b=2%20~\n"));
  CHECK(aws::canonical_request(request, {"r", "ec2"}).starts_with("GET\n/a%2520b/%25C3%25A9\n"));
  CHECK(aws::canonical_request({"GET", ""}, {"r", "s3"}).starts_with("GET\n/\n\n"));
}

TEST_CASE("a session token is a header that is signed") {
  const auto headers = aws::sign({"GET", "/", {}, {{"host", "h"}}}, {"r", "s3"}, {"a", "s", "token"}, kTime);
  CHECK(header(headers, "x-amz-security-token") == "token");
  CHECK(header(headers, "authorization").find("x-amz-date;x-amz-security-token,") != std::string::npos);
}
