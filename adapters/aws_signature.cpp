// The canonical request, the string to sign and the chain of keys.
#include "adapters/aws_signature.hpp"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/percent.hpp"

namespace muster::aws {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// 20260102T030405Z of 2026-01-02T03:04:05.000Z.
std::string compact(Time now) {
  std::string text = to_rfc3339(now).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

Pairs in_order(Pairs headers) {
  for (auto& [name, value] : headers) name = lower(std::move(name));
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string names_of(const Pairs& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names.append(names.empty() ? "" : ";").append(name);
  return names;
}

}  // namespace

std::string query_text(const Pairs& query) {
  Pairs parts;
  for (const auto& [name, value] : query) parts.emplace_back(percent_encoded(name), percent_encoded(value));
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const auto& [name, value] : parts)
    text.append(text.empty() ? "" : "&").append(name).append("=").append(value);
  return text;
}

std::string canonical_request(const Request& request, const Scope& scope) {
  const auto headers = in_order(request.headers);
  auto path = percent_encoded(request.path.empty() ? "/" : request.path, "/");
  if (scope.service != "s3") path = percent_encoded(path, "/");
  std::string text = request.method + '\n' + path + '\n' + query_text(request.query) + '\n';
  for (const auto& [name, value] : headers) text.append(name).append(":").append(trimmed(value)).append("\n");
  return text + '\n' + names_of(headers) + '\n' + sha256_hex(request.body);
}

Pairs sign(const Request& request, const Scope& scope, const Credentials& credentials, Time now) {
  const auto time = compact(now);
  Request whole = request;
  whole.headers.emplace_back("x-amz-date", time);
  if (scope.service == "s3") whole.headers.emplace_back("x-amz-content-sha256", sha256_hex(request.body));
  if (!credentials.session_token.empty())
    whole.headers.emplace_back("x-amz-security-token", credentials.session_token);
  whole.headers = in_order(std::move(whole.headers));

  const auto date = time.substr(0, 8);
  const auto range = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const auto to_sign =
    "AWS4-HMAC-SHA256\n" + time + "\n" + range + "\n" + sha256_hex(canonical_request(whole, scope));
  std::string key = "AWS4" + credentials.secret_key;
  for (const std::string& part : {date, scope.region, scope.service, std::string("aws4_request")})
    key = bytes_of(hmac_sha256(key, part));
  whole.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" +
                                                range + ", SignedHeaders=" + names_of(whole.headers) +
                                                ", Signature=" + to_hex(hmac_sha256(key, to_sign)));
  return std::move(whole.headers);
}

std::string content_md5(std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(body.data(), body.size(), digest.data(), &size, EVP_md5(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(text.data()), static_cast<size_t>(length)};
}

}  // namespace muster::aws
