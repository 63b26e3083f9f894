// Shows join tokens: made, read back, and refused when a character is wrong.
#include "adapters/join_token.hpp"

#include <catch2/catch.hpp>

#include "base/hash.hpp"

using namespace muster;

namespace {

const std::string kFingerprint = sha256_hex("an authority");

std::string fault(std::string_view text) {
  const auto parsed = parse_join_token(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "field.invalid");
  return parsed.error().detail;
}

}  // namespace

TEST_CASE("a join token is one line that reads back") {
  for (const size_t size : {kMinJoinSecret, size_t{21}, kMaxJoinSecret}) {
    const JoinToken token{kFingerprint, std::string(size, '\xfe')};
    const auto text = to_text(token);
    REQUIRE(text);
    CHECK(text->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
          std::string::npos);
    CHECK(*parse_join_token(*text) == token);
    CHECK(*parse_join_token("  " + *text + "\r\n") == token);
  }
}

TEST_CASE("a join token with any one character changed, lost or swapped is refused") {
  const auto text = *to_text({kFingerprint, new_join_secret()});
  const std::string prefix = "muster-join-";
  for (size_t i = prefix.size(); i < text.size(); i++) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(parse_join_token(changed));
    CHECK_FALSE(parse_join_token(text.substr(0, i) + text.substr(i + 1)));
    CHECK_FALSE(parse_join_token(text.substr(0, i)));
    if (i + 1 == text.size() || text[i] == text[i + 1]) continue;
    changed = text;
    std::swap(changed[i], changed[i + 1]);
    CHECK_FALSE(parse_join_token(changed));
  }
}

TEST_CASE("a join token that is none is refused with the reason") {
  const auto text = *to_text({kFingerprint, std::string(16, 's')});
  CHECK(fault("").find("empty") != std::string::npos);
  CHECK(fault(" \n").find("empty") != std::string::npos);
  CHECK(fault("hello").find("begins with muster-join-") != std::string::npos);
  CHECK(fault(text + std::string(300, 'A')).find("at most") != std::string::npos);
  CHECK(fault(text.substr(0, 40)).find("cut off") != std::string::npos);
  CHECK(fault(text + "!").find("mistyped") != std::string::npos);
  CHECK(fault(text + text.substr(12)).find("too long") != std::string::npos);
  CHECK_FALSE(to_text({"not a fingerprint", std::string(16, 's')}));
  CHECK_FALSE(to_text({kFingerprint, std::string(15, 's')}));
  CHECK_FALSE(to_text({kFingerprint, std::string(33, 's')}));
}

TEST_CASE("secrets are new each time, and kept as their hash") {
  const auto secret = new_join_secret();
  CHECK(secret.size() == kMaxJoinSecret);
  CHECK(secret != new_join_secret());
  CHECK(token_hash(secret) == sha256_hex(secret));
}
