// Join tokens as base64url with a checksum.
#include "adapters/join_token.hpp"

#include <optional>

#include "base/bytes.hpp"
#include "base/hash.hpp"

namespace muster {
namespace {

constexpr std::string_view kPrefix = "muster-join-";
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kSum = 4, kFingerprint = 32;
constexpr size_t kMaxText = 256;

std::string encode(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (have += 8; have >= 6; have -= 6) text += kDigits[bits >> (have - 6) & 63];
  }
  if (have > 0) text += kDigits[bits << (6 - have) & 63];
  return text;
}

std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    have += 6;
    if (have >= 8) bytes += static_cast<char>(bits >> (have -= 8) & 0xff);
  }
  if (encode(bytes) != text) return std::nullopt;  // One token, one spelling.
  return bytes;
}

std::string sum_of(std::string_view bytes) {
  const auto digest = sha256(bytes);
  return {reinterpret_cast<const char*>(digest.data()), kSum};
}

Error fault(std::string message) {
  return {"field.invalid", "the join token " + message, {{"/token", std::move(message)}}};
}

}  // namespace

std::string new_join_secret() {
  return random_bytes(kMaxJoinSecret);
}

Result<std::string> to_text(const JoinToken& token) {
  const auto fingerprint = digest_from_hex(token.fingerprint);
  if (!fingerprint) return fault("names no CA: its fingerprint is 64 lower-case hex characters");
  if (token.secret.size() < kMinJoinSecret || token.secret.size() > kMaxJoinSecret)
    return fault("has a secret of " + std::to_string(token.secret.size()) + " bytes; 16 to 32 are allowed");
  const auto bytes = bytes_of(*fingerprint) + token.secret;
  return std::string{kPrefix} + encode(bytes + sum_of(bytes));
}

Result<JoinToken> parse_join_token(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto from = text.find_first_not_of(kSpace);
  text = from == std::string_view::npos ? std::string_view{}
                                        : text.substr(from, text.find_last_not_of(kSpace) - from + 1);
  if (text.empty()) return fault("is empty: copy the whole line that muster :cluster token printed");
  if (!text.starts_with(kPrefix) || text.size() > kMaxText)
    return fault("is none: it begins with " + std::string{kPrefix} + " and has at most " +
                 std::to_string(kMaxText) + " characters");
  const auto bytes = decode(text.substr(kPrefix.size()));
  if (!bytes) return fault("is mistyped: it has a character, or an end, that no token has");
  constexpr auto kLeast = kFingerprint + kMinJoinSecret + kSum, kMost = kFingerprint + kMaxJoinSecret + kSum;
  if (bytes->size() < kLeast) return fault("is cut off: copy the whole line");
  if (bytes->size() > kMost) return fault("is too long: copy the line alone");
  const auto body = std::string_view{*bytes}.substr(0, bytes->size() - kSum);
  if (!equal_in_constant_time(sum_of(body), std::string_view{*bytes}.substr(body.size())))
    return fault("is mistyped or cut off: its checksum does not fit");
  return JoinToken{to_hex(body.substr(0, kFingerprint)), std::string{body.substr(kFingerprint)}};
}

std::string token_hash(std::string_view secret) {
  return sha256_hex(secret);
}

}  // namespace muster
