// Fuzzes bearer tokens and key sets: no mutation of a token verifies unless it still says what was signed.
#include "adapters/jwt.hpp"

#include "tests/fuzz/expect.hpp"

namespace {

/// The public half of a key whose private half was thrown away after signing corpus/jwt/valid.
constexpr std::string_view kKeys =
  R"({"keys":[{"kty":"EC","crv":"P-256","kid":"k1","alg":"ES256","use":"sig","x":"JUZ8OdKPwo_itWbY92lbyObD96M8jsbrdOSuE2Meh28","y":"DlG2o5GBTWv3YI8kelUHHdOHBAcn6-9-fhMBgswPAO4"}]})";

struct OneKey : muster::KeySource {
  std::shared_ptr<const muster::KeySet> set = *muster::KeySet::parse(kKeys);
  std::shared_ptr<const muster::KeySet> keys() override { return set; }
  void key_missing() override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static OneKey source;
  static muster::JwtVerifier verifier({}, source);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)muster::KeySet::parse(text);
  const muster::Time now{muster::Millis{1'767'323'045'678}};
  const auto claims = verifier.verify(text, now);
  if (claims) EXPECT(claims->sub == "fuzz" && claims->scopes == std::vector<std::string>{"thatdam:read"});
  return 0;
}
