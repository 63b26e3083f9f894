// Shows how certificates name nodes; what the authority issues is read in the tests of the adapters.
#include "base/certificate.hpp"

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("the URI of a node is ASCII, and reads back as its id") {
  CHECK(node_uri("n1") == "muster:node:n1");
  CHECK(node_uri("a b/ü%") == "muster:node:a%20b%2F%C3%BC%25");
  std::string every;
  for (int c = 0; c < 256; c++) every += static_cast<char>(c);
  CHECK(node_of_uri(node_uri(every)) == every);
}

TEST_CASE("an id has one URI, and every other text has no id") {
  for (const auto* text : {"", "muster:node:", "muster:node", "MUSTER:node:n1", "muster:node:%6E1",
                           "muster:node:%c3%bc", "muster:node:a b", "muster:node:%", "muster:node:%2",
                           "muster:node:%2x", "https://n1", "muster:node:ü"})
    CHECK_FALSE(node_of_uri(text));
}

TEST_CASE("what is no certificate is refused") {
  for (const auto* text : {"", "n1", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    CHECK(read_certificate(text).error().code == "field.invalid");
    CHECK(read_certificate_der(text).error().code == "field.invalid");
  }
}
