// Keys and signed tokens for tests.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <cjose/cjose.h>

#include "base/json.hpp"

/// One private key and what is made with it.
class TestKey {
public:
  static TestKey rsa(const std::string& kid, size_t bits = 2048) {
    const uint8_t exponent[] = {1, 0, 1};
    cjose_err err;
    return {cjose_jwk_create_RSA_random(bits, exponent, sizeof exponent, &err), kid};
  }
  static TestKey ec(const std::string& kid, cjose_jwk_ec_curve curve = CJOSE_JWK_EC_P_256) {
    cjose_err err;
    return {cjose_jwk_create_EC_random(curve, &err), kid};
  }
  static TestKey secret(const std::string& kid, const std::string& bytes) {
    cjose_err err;
    return {cjose_jwk_create_oct_spec(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &err),
            kid};
  }

  /// The public half as a JWK.
  [[nodiscard]] muster::Json jwk() const {
    cjose_err err;
    char* text = cjose_jwk_to_json(key_.get(), false, &err);
    auto json = muster::Json::parse(text);
    cjose_get_dealloc()(text);
    return json;
  }

  [[nodiscard]] std::string sign(const std::string& algorithm, const std::string& claims,
                                 bool with_kid = true) const {
    cjose_err err;
    cjose_header_t* header = cjose_header_new(&err);
    cjose_header_set(header, CJOSE_HDR_ALG, algorithm.c_str(), &err);
    if (with_kid) cjose_header_set(header, CJOSE_HDR_KID, kid_.c_str(), &err);
    cjose_jws_t* jws = cjose_jws_sign(key_.get(), header, reinterpret_cast<const uint8_t*>(claims.data()),
                                      claims.size(), &err);
    if (!jws) throw std::runtime_error(err.message);
    const char* text = nullptr;
    cjose_jws_export(jws, &text, &err);
    std::string token = text;
    cjose_jws_release(jws);
    cjose_header_release(header);
    return token;
  }

private:
  TestKey(cjose_jwk_t* key, std::string kid)
    : key_(key, [](cjose_jwk_t* k) { cjose_jwk_release(k); }), kid_(std::move(kid)) {
    cjose_err err;
    cjose_jwk_set_kid(key, kid_.c_str(), kid_.size(), &err);
  }

  std::shared_ptr<cjose_jwk_t> key_;
  std::string kid_;
};

inline std::string key_set(std::initializer_list<muster::Json> keys) {
  muster::Json json{{"keys", muster::Json::array()}};
  for (const auto& key : keys) json["keys"].push_back(key);
  return json.dump();
}

inline std::string base64url(const std::string& bytes) {
  char* text = nullptr;
  size_t size = 0;
  cjose_err err;
  cjose_base64url_encode(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &text, &size, &err);
  std::string encoded(text, size);
  cjose_get_dealloc()(text);
  return encoded;
}
