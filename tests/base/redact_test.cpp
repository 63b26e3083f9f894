// Shows that a secret is taken out of a text wherever it is, in a time that the text's length bounds.
#include "base/redact.hpp"

#include <chrono>

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("every occurrence of a secret becomes three stars") {
  CHECK(redacted("Bearer key, key and kekeyy", "key") == "Bearer ***, *** and ke***y");
  CHECK(redacted("keykey", "key") == "******");
  CHECK(redacted("key", "keys") == "key");
  CHECK(redacted("key", "") == "key");
  CHECK(redacted("", "key").empty());
  CHECK(redacted("***", "*") == "*********");
}

TEST_CASE("what is cut is cut behind the stars, so that no part of a secret is left") {
  const std::string text = "ab-secret-cd";
  for (size_t most = 0; most < 12; most++)
    CHECK(redacted(text, "secret", most) == std::string("ab-***-cd").substr(0, most));
  CHECK(redacted("abc", "", 2) == "ab");
}

TEST_CASE("a text of nothing but the secret takes no longer than any other") {
  std::string text;
  while (text.size() < (16U << 20U)) text += "let-me-index";
  const auto started = std::chrono::steady_clock::now();
  CHECK(redacted(text, "let-me-index").size() == text.size() / 4);
  CHECK(redacted(text, "let-me-index", 301).size() == 301);
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds{5});
}
