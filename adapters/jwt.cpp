// Verifying tokens. The algorithm is settled here, from the key's type, before cjose sees the token.
#include "adapters/jwt.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>

#include <cjose/cjose.h>
#include <openssl/obj_mac.h>

#include "base/hash.hpp"
#include "base/json.hpp"

namespace muster {
namespace {

constexpr size_t kMaxJwks = 1024 * 1024;
constexpr size_t kMaxKeys = 256;
constexpr size_t kMinRsaBits = 2048;
constexpr std::string_view kShared = "HS256";
constexpr size_t kTriedKeys = 8;  // For a token that names no key.
constexpr int kMaxHeaderDepth = 4;
constexpr std::chrono::seconds kNotBeforeLeeway{60};
constexpr double kMaxSeconds = 253402300799.0;  // The end of the year 9999.

struct JwkRelease {
  void operator()(cjose_jwk_t* jwk) const { cjose_jwk_release(jwk); }
};
using Jwk = std::unique_ptr<cjose_jwk_t, JwkRelease>;

struct JwsRelease {
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
};
using Jws = std::unique_ptr<cjose_jws_t, JwsRelease>;

Error refused(std::string_view why) {
  return Error{"unauthorized", "unauthorized: " + std::string(why)};
}

/// Without padding, and nothing after the last whole byte: one text for one value.
std::optional<std::string> base64url_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '-' || c == '_')
      value = c == '-' ? 62 : 63;
    else
      return std::nullopt;
    bits = (bits << 6 | value) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xff);
    }
  }
  if (count >= 6 || (bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

int depth_of(const Json& value) {
  int deepest = 0;
  if (!value.is_structured()) return 0;
  for (const auto& item : value) deepest = std::max(deepest, depth_of(item));
  return deepest + 1;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// JSON numbers of seconds since 1970, fractions allowed. Outer nothing: it is there, but is no time.
std::optional<std::optional<Time>> time_of(const Json& claims, const char* key) {
  const auto found = claims.find(key);
  if (found == claims.end()) return std::optional<Time>{};
  if (!found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(std::abs(seconds) <= kMaxSeconds)) return std::nullopt;
  return std::optional<Time>{Time{Millis{static_cast<int64_t>(seconds * 1000)}}};
}

bool has_audience(const Json& claims, const std::string& wanted) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return *found == wanted;
  return found->is_array() && std::find(found->begin(), found->end(), Json(wanted)) != found->end();
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find(' ', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// `scope`, words between blanks, and `scopes`, an array (supervisor contract; jobs contract, section 9).
std::vector<std::string> scopes_of(const Json& claims) {
  auto scopes = split(text_of(claims, "scope"));
  if (const auto more = claims.find("scopes"); more != claims.end() && more->is_array())
    for (const auto& scope : *more)
      if (scope.is_string()) scopes.push_back(scope.get<std::string>());
  return scopes;
}

/// Whether all numbers of a key are what RFC 7518 says: cjose aborts the process at padding in the wrong
/// place.
bool has_whole_numbers(const Json& key) {
  constexpr std::array kNumbers = {"n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "k"};
  return std::all_of(kNumbers.begin(), kNumbers.end(), [&](const char* name) {
    const auto found = key.find(name);
    return found == key.end() ||
           (found->is_string() && base64url_decode(found->get_ref<const std::string&>()));
  });
}

/// The algorithm that a key is for, or "" when it cannot be used.
std::string algorithm_of(const cjose_jwk_t* jwk, const Json& json) {
  cjose_err err;
  std::string algorithm;
  const auto type = cjose_jwk_get_kty(jwk, &err);
  if (type == CJOSE_JWK_KTY_RSA && cjose_jwk_get_keysize(jwk, &err) >= kMinRsaBits) algorithm = "RS256";
  if (type == CJOSE_JWK_KTY_EC && text_of(json, "crv") == "P-256") algorithm = "ES256";
  const auto stated = text_of(json, "alg");
  const auto use = text_of(json, "use");
  const bool fits = (stated.empty() || stated == algorithm) && (use.empty() || use == "sig");
  return fits ? algorithm : "";
}

}  // namespace

struct KeySet::Key {
  std::string kid;
  std::string algorithm;
  Jwk jwk;
};

KeySet::KeySet() = default;
KeySet::~KeySet() = default;

size_t KeySet::size() const {
  return keys_.size();
}

Result<std::shared_ptr<const KeySet>> KeySet::parse(std::string_view jwks) {
  const auto invalid = [](std::string_view why) {
    return Error{"jwks.invalid", "the key set " + std::string(why)};
  };
  if (jwks.size() > kMaxJwks) return invalid("is larger than 1 MiB");
  const auto document = parse_json(jwks);
  if (!document || !document->is_object()) return invalid("is not a JSON object");
  const auto listed = document->find("keys");
  if (listed == document->end() || !listed->is_array()) return invalid("has no array \"keys\"");
  if (listed->size() > kMaxKeys) return invalid("has more than 256 keys");
  std::shared_ptr<KeySet> set(new KeySet);
  for (const auto& json : *listed) {
    if (!json.is_object() || !has_whole_numbers(json)) continue;
    const auto text = json.dump();
    cjose_err err;
    Jwk jwk(cjose_jwk_import(text.c_str(), text.size(), &err));
    if (!jwk) continue;
    if (auto algorithm = algorithm_of(jwk.get(), json); !algorithm.empty())
      set->keys_.push_back({text_of(json, "kid"), std::move(algorithm), std::move(jwk)});
  }
  if (set->keys_.empty()) return invalid("has no key for RS256 or ES256");
  return std::shared_ptr<const KeySet>(std::move(set));
}

Result<std::shared_ptr<const KeySet>> KeySet::of_secret(const std::string& secret) {
  cjose_err err;
  Jwk jwk(cjose_jwk_create_oct_spec(reinterpret_cast<const uint8_t*>(secret.data()), secret.size(), &err));
  if (!jwk) return Error{"jwks.invalid", "the shared secret cannot be used as a key"};
  std::shared_ptr<KeySet> set(new KeySet);
  set->keys_.push_back({"", std::string{kShared}, std::move(jwk)});
  return std::shared_ptr<const KeySet>(std::move(set));
}

Result<std::string> JwtVerifier::payload_of(const KeySet& keys, std::string_view token) {
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  const auto header_text = base64url_decode(token.substr(0, first));
  // cjose overlooks padding and stray bits, so that one token would have many spellings.
  if (!header_text || !base64url_decode(token.substr(first + 1, last - first - 1)) ||
      !base64url_decode(token.substr(last + 1)))
    return refused("the token is malformed");
  const auto header = parse_json(*header_text);
  if (!header || !header->is_object() || depth_of(*header) > kMaxHeaderDepth)
    return refused("the token's header is malformed");
  const auto algorithm = text_of(*header, "alg");
  const bool shared = keys.keys_.front().algorithm == kShared;
  if (shared && algorithm != kShared) return refused("only HS256 is accepted");
  if (!shared && algorithm != "RS256" && algorithm != "ES256")
    return refused("only RS256 and ES256 are accepted");
  if (header->contains("crit")) return refused("the token has critical extensions");
  const auto kid = text_of(*header, "kid");
  cjose_err err;
  size_t tried = 0;
  for (const auto& key : keys.keys_) {
    if (key.algorithm != algorithm || (!shared && !kid.empty() && key.kid != kid)) continue;
    if (++tried > kTriedKeys) break;
    const Jws jws(cjose_jws_import(token.data(), token.size(), &err));
    if (!jws) return refused("the token is malformed");
    if (!cjose_jws_verify(jws.get(), key.jwk.get(), &err)) continue;
    uint8_t* bytes = nullptr;
    size_t size = 0;
    if (!cjose_jws_get_plaintext(jws.get(), &bytes, &size, &err)) return refused("the token is malformed");
    return std::string(reinterpret_cast<const char*>(bytes), size);
  }
  if (tried > 0) return refused("the token's signature is wrong");
  source_.key_missing();
  return refused("the token's key is unknown; the key set is being read again");
}

Result<JwtVerifier::Verified> JwtVerifier::check(const KeySet& keys, std::string_view token, Time now) {
  const auto payload = payload_of(keys, token);
  if (!payload) return payload.error();
  const auto claims = parse_json(*payload);
  if (!claims || !claims->is_object()) return refused("the token's claims are malformed");
  const auto expires = time_of(*claims, "exp");
  const auto not_before = time_of(*claims, "nbf");
  if (!expires || !not_before) return refused("the token's times are malformed");
  if (*expires && now >= **expires) return refused("the token has expired");
  if (*not_before && now + kNotBeforeLeeway < **not_before) return refused("the token is not valid yet");
  if (!rules_.audience.empty() && !has_audience(*claims, rules_.audience))
    return refused("the token is for another audience");
  if (!rules_.issuer.empty() && text_of(*claims, "iss") != rules_.issuer)
    return refused("the token is from another issuer");
  for (const auto* key : {"sub", "scope"})
    if (claims->contains(key) && !(*claims)[key].is_string())
      return refused("the token's " + std::string(key) + " is not a string");
  return Verified{{text_of(*claims, "sub"), scopes_of(*claims)}, *expires, *not_before};
}

std::optional<Claims> JwtVerifier::remembered(const std::string& digest,
                                              const std::shared_ptr<const KeySet>& keys, Time now) {
  const std::lock_guard lock(mutex_);
  if (cached_for_ != keys) return std::nullopt;
  const auto found = cache_.find(digest);
  if (found == cache_.end()) return std::nullopt;
  const auto& verified = found->second;
  const bool early = verified.not_before && now + kNotBeforeLeeway < *verified.not_before;
  if (!early && (!verified.expires || now < *verified.expires)) return verified.claims;
  cache_.erase(found);
  return std::nullopt;
}

void JwtVerifier::remember(const std::string& digest, const std::shared_ptr<const KeySet>& keys,
                           const Verified& verified) {
  const std::lock_guard lock(mutex_);
  if (cached_for_ != keys || cache_.size() >= kMaxCached) cache_.clear();
  cached_for_ = keys;
  cache_.insert_or_assign(digest, verified);
}

Result<Claims> JwtVerifier::verify(std::string_view token, Time now) {
  if (token.size() > kMaxToken) return refused("the token is larger than 8 KiB");
  if (std::count(token.begin(), token.end(), '.') != 2) return refused("the token is malformed");
  const auto keys = source_.keys();
  if (!keys) return refused("no keys are known yet");
  const auto digest = sha256_hex(token);
  if (auto claims = remembered(digest, keys, now)) return std::move(*claims);
  auto verified = check(*keys, token, now);
  if (!verified) return verified.error();
  remember(digest, keys, *verified);
  return std::move(verified->claims);
}

}  // namespace muster
