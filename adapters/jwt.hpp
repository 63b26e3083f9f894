// Bearer tokens: JWTs signed with RS256 or ES256 by a key of a JWKS, or with HS256 by a shared secret;
// nothing else.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

/// What a valid token says. Without `sub` its bearer counts as anonymous.
struct Claims {
  std::string sub;
  std::vector<std::string> scopes;
  bool operator==(const Claims&) const = default;
};

/// The keys of one JWKS document that can verify RS256 (RSA of at least 2048 bits) or ES256 (P-256); others
/// in it are passed over. Or one shared secret, which verifies HS256 alone: no key is ever for two
/// algorithms.
class KeySet {
public:
  /// At most 1 MiB and 256 keys. Error `jwks.invalid`, also when no usable key is left.
  static Result<std::shared_ptr<const KeySet>> parse(std::string_view jwks);
  /// `secret` is not empty. Error `jwks.invalid`.
  static Result<std::shared_ptr<const KeySet>> of_secret(const std::string& secret);
  ~KeySet();

  [[nodiscard]] size_t size() const;

private:
  friend class JwtVerifier;
  struct Key;
  KeySet();
  std::vector<Key> keys_;
};

/// Where the current keys come from.
class KeySource {
public:
  virtual ~KeySource() = default;
  [[nodiscard]] virtual std::shared_ptr<const KeySet> keys() = 0;
  /// A token named a key that keys() does not hold; may fetch again, must not block.
  virtual void key_missing() = 0;
};

/// The same keys at all times.
class GivenKeys : public KeySource {
public:
  explicit GivenKeys(std::shared_ptr<const KeySet> keys) : keys_(std::move(keys)) {}
  std::shared_ptr<const KeySet> keys() override { return keys_; }
  void key_missing() override {}

private:
  const std::shared_ptr<const KeySet> keys_;
};

/// Empty: not checked.
struct JwtRules {
  std::string audience;  ///< JWT_AUD
  std::string issuer;    ///< JWT_ISS
};

/// Safe from every thread.
class JwtVerifier {
public:
  static constexpr size_t kMaxToken = 8 * 1024;
  static constexpr size_t kMaxCached = 4'096;

  JwtVerifier(JwtRules rules, KeySource& source) : rules_(std::move(rules)), source_(source) {}

  /// Checks signature, `exp` (to the second), `nbf` (60 s of leeway), `aud` and `iss`. A verified token is
  /// remembered until it expires or the keys change. Error `unauthorized`.
  Result<Claims> verify(std::string_view token, Time now);

private:
  struct Verified {
    Claims claims;
    std::optional<Time> expires;
    std::optional<Time> not_before;
  };

  [[nodiscard]] std::optional<Claims> remembered(const std::string& digest,
                                                 const std::shared_ptr<const KeySet>& keys, Time now);
  void remember(const std::string& digest, const std::shared_ptr<const KeySet>& keys,
                const Verified& verified);
  Result<Verified> check(const KeySet& keys, std::string_view token, Time now);
  Result<std::string> payload_of(const KeySet& keys, std::string_view token);

  const JwtRules rules_;
  KeySource& source_;
  std::mutex mutex_;
  std::shared_ptr<const KeySet> cached_for_;  // The keys that verified what is remembered.
  std::unordered_map<std::string, Verified> cache_;
};

}  // namespace muster
