// Shows that UUIDs are read as they are written, and made of names as everybody makes them.
#include "base/uuid.hpp"

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("a UUID is 36 characters, in any case") {
  CHECK(read_uuid("6BA7B810-9DAD-11D1-80B4-00C04FD430C8") == "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  for (const auto* text : {"", "6ba7b8109dad11d180b400c04fd430c8", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
                           "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b810-9dad-11d1-80b400-c04fd430c8",
                           "6ba7b810-9dad-11d1-80b4-00c04fd430c"}) {
    CAPTURE(text);
    CHECK_FALSE(read_uuid(text));
  }
}

TEST_CASE("a name has one UUID in a space: the examples of the standard, and of Python") {
  const auto* dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  CHECK(uuid_v5(dns, "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  CHECK(uuid_v5(dns, "vectors.muster") == "5178c309-8346-572d-b13d-c8b68cff10be");
  CHECK(uuid_v5("5178C309-8346-572D-B13D-C8B68CFF10BE", "Doc:alpha") ==
        "ea1e5bdb-78ac-57df-a1a2-c19f4308d3ba");
}
