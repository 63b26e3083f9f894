// AWS Signature Version 4, which S3 servers and EC2 ask for (backends contract, section 1).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace muster::aws {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token{};  ///< Empty: none.
};

struct Request {
  std::string method;
  std::string path;  ///< Not encoded; empty: "/".
  Pairs query{};     ///< Not encoded; a flag has an empty value.
  Pairs headers{};   ///< Those that are signed, `host` among them, in any case and order.
  std::string body{};
};

struct Scope {
  std::string region;
  std::string service;  ///< "s3" encodes its path once and names the body's digest in a header, others not.
};

/// The request's headers and what is added: x-amz-date, for S3 x-amz-content-sha256, x-amz-security-token
/// when there is one, and authorization. All names are in lower case.
[[nodiscard]] Pairs sign(const Request& request, const Scope& scope, const Credentials& credentials,
                         Time now);

/// What is signed, line by line, of a request that already has all headers.
[[nodiscard]] std::string canonical_request(const Request& request, const Scope& scope);

/// `name=value&...` in the order of a canonical request; a flag is `name=`.
[[nodiscard]] std::string query_text(const Pairs& query);

/// Base64 of the MD5 of a body, for Content-MD5.
[[nodiscard]] std::string content_md5(std::string_view body);

}  // namespace muster::aws
