// Somebody else's hand on an S3 server: signed requests with any body.
#pragma once

#include <string>

#include <catch2/catch.hpp>

#include "adapters/aws_signature.hpp"
#include "adapters/http_client.hpp"

namespace muster::test {

class S3Hand {
public:
  /// `host` is host:port of a server without TLS.
  S3Hand(std::string host, aws::Credentials credentials)
    : host_(std::move(host)), credentials_(std::move(credentials)) {}

  /// `part` is "" or a flag of the query.
  HttpReply ask(const std::string& method, const std::string& path, const std::string& part = {},
                const std::string& body = {}) {
    aws::Request request{
      method, "/" + path, {}, {{"host", host_}, {"content-type", "application/xml"}}, body};
    if (!part.empty()) request.query.emplace_back(part, "");
    if (!body.empty()) request.headers.emplace_back("content-md5", aws::content_md5(body));
    const auto reply =
      client_.fetch({.method = method,
                     .url = "http://" + host_ + request.path + (part.empty() ? "" : "?" + part + "="),
                     .headers = aws::sign(request, {"us-east-1", "s3"}, credentials_, system_now()),
                     .body = body});
    INFO((reply ? reply->body : reply.error().detail));
    REQUIRE(reply);
    return *reply;
  }

private:
  std::string host_;
  aws::Credentials credentials_;
  HttpClient client_;
};

}  // namespace muster::test
