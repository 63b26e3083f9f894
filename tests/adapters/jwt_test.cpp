// Shows which bearer tokens are believed.
#include "adapters/jwt.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "tests/adapters/token_maker.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

const Time kNow{Millis{1'767'323'045'000}};
constexpr int64_t kNowSeconds = 1'767'323'045;

class FixedKeys : public KeySource {
public:
  explicit FixedKeys(const std::string& jwks) { set(jwks); }
  void set(const std::string& jwks) { keys_ = *KeySet::parse(jwks); }
  std::shared_ptr<const KeySet> keys() override { return keys_; }
  void key_missing() override { missing++; }
  int missing = 0;

private:
  std::shared_ptr<const KeySet> keys_;
};

/// Making RSA keys is slow: the tests share these.
const TestKey& rsa() {
  static const auto key = TestKey::rsa("r1");
  return key;
}
const TestKey& ec() {
  static const auto key = TestKey::ec("e1");
  return key;
}

std::string claims(int64_t expires_in = 60, const std::string& more = "") {
  return R"({"sub":"alice","scope":"thatdam:read  thatdam:apply","aud":["x","muster"],"iss":"https://id",)"
         "\"exp\":" +
         std::to_string(kNowSeconds + expires_in) + more + "}";
}

struct World {
  FixedKeys keys{key_set({rsa().jwk(), ec().jwk()})};
  JwtVerifier verifier{{"muster", "https://id"}, keys};

  std::string refusal(const std::string& token, Time now = kNow) {
    const auto verified = verifier.verify(token, now);
    REQUIRE_FALSE(verified);
    CHECK(verified.error().code == "unauthorized");
    return verified.error().detail;
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a token signed with RS256 or ES256 gives its subject and scopes", "[S1-08]") {
  World world;
  const Claims alice{"alice", {"thatdam:read", "thatdam:apply"}};
  for (const auto& token : {rsa().sign("RS256", claims()), ec().sign("ES256", claims())}) {
    const auto verified = world.verifier.verify(token, kNow);
    REQUIRE(verified);
    CHECK(*verified == alice);
    CHECK(*world.verifier.verify(token, kNow) == alice);
  }
  CHECK(world.verifier.verify(rsa().sign("RS256", claims(), false), kNow));
}

TEST_CASE("a token is good until its exp and not a second longer, cached or not", "[S1-08]") {
  World world;
  const auto token = ec().sign("ES256", claims(60));
  CHECK(world.verifier.verify(token, kNow));
  CHECK(world.verifier.verify(token, kNow + 59s));
  CHECK(has(world.refusal(token, kNow + 60s), "expired"));
  CHECK(has(world.refusal(ec().sign("ES256", claims(-1))), "expired"));
  CHECK(world.verifier.verify(ec().sign("ES256", R"({"aud":"muster","iss":"https://id"})"), kNow));
}

TEST_CASE("nbf has a minute of leeway", "[S1-08]") {
  World world;
  const auto from = [&](int64_t seconds) {
    return ec().sign("ES256", claims(900, ",\"nbf\":" + std::to_string(kNowSeconds + seconds)));
  };
  CHECK(world.verifier.verify(from(60), kNow));
  CHECK(has(world.refusal(from(61)), "not valid yet"));
  const auto token = from(30);
  CHECK(world.verifier.verify(token, kNow));
  CHECK(has(world.refusal(token, kNow - 60s), "not valid yet"));
}

TEST_CASE("audience and issuer must match when they are configured", "[S1-08]") {
  World world;
  const auto token = [](const std::string& aud, const std::string& iss) {
    return ec().sign("ES256", R"({"sub":"a","aud":)" + aud + R"(,"iss":")" + iss + "\"}");
  };
  CHECK(world.verifier.verify(token("\"muster\"", "https://id"), kNow));
  CHECK(has(world.refusal(token("\"other\"", "https://id")), "audience"));
  CHECK(has(world.refusal(token("[\"a\",\"b\"]", "https://id")), "audience"));
  CHECK(has(world.refusal(token("7", "https://id")), "audience"));
  CHECK(has(world.refusal(token("\"muster\"", "https://evil")), "issuer"));
  CHECK(has(world.refusal(ec().sign("ES256", R"({"iss":"https://id"})")), "audience"));
  JwtVerifier lax({}, world.keys);
  CHECK(lax.verify(token("\"other\"", "https://evil"), kNow));
}

TEST_CASE("a token without sub is anonymous, not wrong", "[S1-08]") {
  World world;
  JwtVerifier lax({}, world.keys);
  const auto verified = lax.verify(ec().sign("ES256", R"({"scope":"thatdam:admin"})"), kNow);
  REQUIRE(verified);
  CHECK(verified->sub.empty());
  CHECK_FALSE(lax.verify(ec().sign("ES256", R"({"sub":7})"), kNow));
  CHECK_FALSE(lax.verify(ec().sign("ES256", R"({"exp":"soon"})"), kNow));
  CHECK_FALSE(lax.verify(ec().sign("ES256", R"([1])"), kNow));
  CHECK_FALSE(lax.verify(ec().sign("ES256", "no json"), kNow));
}

TEST_CASE("alg none is refused, signed or not", "[S1-08]") {
  World world;
  const auto body = base64url(claims());
  for (const auto* alg : {"none", "None", "NONE", "nOnE", ""}) {
    const auto head = base64url(std::string(R"({"alg":")") + alg + R"("})");
    CHECK(has(world.refusal(head + "." + body + "."), "only RS256 and ES256"));
    const auto signature = ec().sign("ES256", claims());
    CHECK(has(world.refusal(head + "." + body + signature.substr(signature.rfind('.'))), "only RS256"));
  }
}

TEST_CASE("HS256 with a public key as its secret is refused", "[S1-08]") {
  World world;
  for (const auto& secret : {rsa().jwk().dump(), rsa().jwk()["n"].get<std::string>()}) {
    const auto forged = TestKey::secret("r1", secret);
    CHECK(has(world.refusal(forged.sign("HS256", claims())), "only RS256 and ES256"));
  }
  CHECK(has(world.refusal(rsa().sign("PS256", claims())), "only RS256 and ES256"));
  CHECK(has(world.refusal(rsa().sign("RS512", claims())), "only RS256 and ES256"));
}

TEST_CASE("a token of another key is refused, under a known id and under an unknown one", "[S1-08]") {
  World world;
  CHECK(has(world.refusal(TestKey::ec("e1").sign("ES256", claims())), "signature is wrong"));
  CHECK(world.keys.missing == 0);
  CHECK(has(world.refusal(TestKey::ec("e2").sign("ES256", claims())), "key is unknown"));
  CHECK(world.keys.missing == 1);
  const auto ec_token_naming_rsa = TestKey::ec("r1").sign("ES256", claims());
  CHECK(has(world.refusal(ec_token_naming_rsa), "key is unknown"));
}

TEST_CASE("a token that was changed anywhere is refused", "[S1-08]") {
  World world;
  for (const auto& good : {rsa().sign("RS256", claims()), ec().sign("ES256", claims())})
    for (size_t i = 0; i < good.size(); i += 7) {
      auto bad = good;
      bad[i] = bad[i] == 'A' ? 'B' : 'A';
      CHECK_FALSE(world.verifier.verify(bad, kNow));
    }
}

TEST_CASE("garbage, empty parts and oversized tokens are refused", "[S1-08]") {
  World world;
  for (const std::string bad : {"", ".", "..", "a.b", "a.b.c", "a.b.c.d", "\xff.\xff.\xff", "e30.e30.e30",
                                "W10.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.", "eyJhbGciOiJFUzI1NiJ9..AA"}) {
    CAPTURE(bad);
    CHECK_FALSE(world.verifier.verify(bad, kNow));
  }
  CHECK(has(world.refusal(std::string(9000, 'a')), "8 KiB"));
  const auto deep = R"({"alg":"ES256","x":)" + std::string(50, '[') + std::string(50, ']') + "}";
  CHECK(has(world.refusal(base64url(deep) + ".e30.AA"), "header"));
  CHECK(
    has(world.refusal(base64url(R"({"alg":"ES256","crit":["b64"],"b64":false})") + ".e30.AA"), "critical"));
  const auto good = ec().sign("ES256", claims());
  for (const auto* tail : {"", "A", "AAAA"})
    CHECK_FALSE(world.verifier.verify(good.substr(0, good.rfind('.') + 1) + tail, kNow));
  CHECK_FALSE(world.verifier.verify(good + "=", kNow));
}

TEST_CASE("random tokens are refused without harm", "[S1-08]") {
  World world;
  CHECK(rc::check([&](const std::string& a, const std::string& b, const std::string& c) {
    RC_ASSERT_FALSE(world.verifier.verify(a + "." + b + "." + c, kNow));
    RC_ASSERT_FALSE(world.verifier.verify(
      base64url(R"({"alg":"ES256"})") + "." + base64url(b + "x") + "." + base64url(c + "x"), kNow));
  }));
}

TEST_CASE("what was verified is forgotten when the keys change", "[S1-08]") {
  World world;
  const auto token = ec().sign("ES256", claims());
  CHECK(world.verifier.verify(token, kNow));
  world.keys.set(key_set({rsa().jwk()}));
  CHECK(has(world.refusal(token), "key is unknown"));
}

TEST_CASE("a key set keeps the keys it can use and is refused when there is none", "[S1-08]") {
  auto for_encryption = rsa().jwk();
  for_encryption["use"] = "enc";
  auto other_algorithm = rsa().jwk();
  other_algorithm["alg"] = "RS512";
  const auto p384 = TestKey::ec("p384", CJOSE_JWK_EC_P_384).jwk();
  const auto weak = TestKey::rsa("weak", 1024).jwk();
  const Json symmetric{{"kty", "oct"}, {"k", "c2VjcmV0"}};
  CHECK(
    (*KeySet::parse(key_set({for_encryption, other_algorithm, p384, weak, symmetric, ec().jwk(), Json(7)})))
      ->size() == 1);
  for (const auto& bad :
       {key_set({p384, weak, symmetric}), std::string("{}"), std::string("[]"), std::string(),
        std::string("not json"), std::string(R"({"keys":7})"), key_set({})}) {
    const auto parsed = KeySet::parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == "jwks.invalid");
  }
}

TEST_CASE("a key whose numbers are no base64url is left out, and the process goes on", "[S1-08]") {
  for (const auto* name : {"x", "y"}) {
    for (const auto* bad :
         {"DlG2o5GBTWv3Y=8kelUHHdOHBAcn6-9-fhMBgswPAO4", "Dl=", "D", "=", "D\u00e9lG", "D+/8"}) {
      auto broken = ec().jwk();
      broken["kid"] = "broken";
      broken[name] = bad;
      CHECK_FALSE(KeySet::parse(key_set({broken})));
      CHECK((*KeySet::parse(key_set({broken, ec().jwk()})))->size() == 1);
    }
    auto number = ec().jwk();
    number[name] = 7;
    CHECK_FALSE(KeySet::parse(key_set({number})));
  }
  auto modulus = rsa().jwk();
  modulus["n"] = "AQ=B";
  CHECK_FALSE(KeySet::parse(key_set({modulus})));
}

TEST_CASE("a shared secret verifies HS256 and nothing else, whatever kid the token names") {
  const std::string secret = "a secret of two programs";
  GivenKeys keys{*KeySet::of_secret(secret)};
  JwtVerifier verifier{{}, keys};
  const auto good = TestKey::secret("any", secret);
  const std::string text =
    R"({"sub":"alice","scope":"jobs:read","scopes":["runs:write","runs:read",7],"exp":)" +
    std::to_string(kNowSeconds + 60) + "}";
  const Claims alice{"alice", {"jobs:read", "runs:write", "runs:read"}};
  for (const bool with_kid : {true, false}) {
    const auto verified = verifier.verify(good.sign("HS256", text, with_kid), kNow);
    REQUIRE(verified);
    CHECK(*verified == alice);
  }
  const auto refused = [&](const std::string& token, Time now = kNow) {
    const auto verified = verifier.verify(token, now);
    return !verified && verified.error().code == "unauthorized";
  };
  CHECK(refused(TestKey::secret("any", secret + "!").sign("HS256", text)));
  CHECK(refused(good.sign("HS384", text)));
  CHECK(refused(rsa().sign("RS256", text)));
  CHECK(refused("eyJhbGciOiJub25lIn0." + good.sign("HS256", text).substr(21)));
  CHECK(refused(good.sign("HS256", text), kNow + 60s));
}
