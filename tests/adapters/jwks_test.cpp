// Shows how a JWKS is fetched, kept and refreshed.
#include "adapters/jwks.hpp"

#include <mutex>

#include <catch2/catch.hpp>

#include "tests/adapters/tiny_server.hpp"
#include "tests/adapters/token_maker.hpp"
#include "tests/adapters/wait.hpp"

using namespace muster;

namespace {

/// A JWKS endpoint whose answer the test changes; every reading is noted.
class Endpoint {
public:
  explicit Endpoint(std::string body) : body_(std::move(body)) {}

  void answer(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    body_ = std::move(body);
  }
  std::string url() const { return server_.url("/jwks"); }
  Mailbox<int> readings;

private:
  std::string reply() {
    std::string text;
    {
      const std::lock_guard lock(mutex_);
      text = http_answer(status_, body_);
    }
    readings.put(1);
    return text;
  }

  std::mutex mutex_;
  int status_ = 200;
  std::string body_;
  TinyServer server_{[this](const std::string&) { return reply(); }};
};

std::string token_of(const TestKey& key) {
  return key.sign("ES256", R"({"sub":"alice"})");
}

}  // namespace

TEST_CASE("keys are read at the start and verify tokens", "[S1-08]") {
  const auto key = TestKey::ec("e1");
  Endpoint endpoint(key_set({key.jwk()}));
  Jwks jwks({endpoint.url()});
  REQUIRE(jwks.start());
  JwtVerifier verifier({}, jwks);
  CHECK(verifier.verify(token_of(key), system_now())->sub == "alice");
}

TEST_CASE("a JWKS URL that does not answer, or not with keys, fails the start", "[S1-08]") {
  std::string gone;
  {
    const Endpoint endpoint("{}");
    gone = endpoint.url();
  }
  CHECK(Jwks({gone}).start().error().code == "jwks.unreachable");
  Endpoint endpoint("{}");
  CHECK(Jwks({endpoint.url()}).start().error().code == "jwks.invalid");
  endpoint.answer(500, key_set({TestKey::ec("e1").jwk()}));
  CHECK(Jwks({endpoint.url()}).start().error().code == "jwks.unreachable");
  endpoint.answer(200, std::string(2'000'000, ' '));
  CHECK(Jwks({endpoint.url()}).start().error().code == "jwks.unreachable");
}

TEST_CASE("keys are read again on schedule, and the last good ones outlive a failure", "[S1-08]") {
  const auto first = TestKey::ec("e1");
  const auto second = TestKey::ec("e2");
  Endpoint endpoint(key_set({first.jwk()}));
  JwksOptions options{endpoint.url()};
  options.refresh = Millis{20};
  Jwks jwks(options);
  REQUIRE(jwks.start());
  JwtVerifier verifier({}, jwks);
  endpoint.answer(500, "");
  const auto before = endpoint.readings.all().size();
  REQUIRE(endpoint.readings.wait_for_size(before + 3));
  CHECK(verifier.verify(token_of(first), system_now()));
  CHECK(jwks.last_failure().find("500") != std::string::npos);
  endpoint.answer(200, key_set({second.jwk()}));
  const auto then = endpoint.readings.all().size();
  REQUIRE(endpoint.readings.wait_for_size(then + 3));
  CHECK(verifier.verify(token_of(second), system_now()));
  CHECK_FALSE(verifier.verify(token_of(first), system_now()));
  CHECK(jwks.last_failure().empty());
}

TEST_CASE("an unknown key has the set read early, but not again within the pause", "[S1-08]") {
  const auto known = TestKey::ec("e1");
  const auto rotated = TestKey::ec("e2");
  Endpoint endpoint(key_set({known.jwk()}));
  Jwks jwks({endpoint.url()});
  REQUIRE(jwks.start());
  JwtVerifier verifier({}, jwks);
  const auto before = jwks.keys();
  endpoint.answer(200, key_set({known.jwk(), rotated.jwk()}));
  CHECK_FALSE(verifier.verify(token_of(rotated), system_now()));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (jwks.keys() == before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(verifier.verify(token_of(rotated), system_now()));
  for (int i = 0; i < 50; i++)
    CHECK_FALSE(verifier.verify(token_of(TestKey::ec("x" + std::to_string(i))), system_now()));
  CHECK(endpoint.readings.all().size() == 2);
}
