// Shows what a vector index takes, and how a class is compared with the desired one.
#include "domain/index_rules.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::index_rules;

TEST_CASE("every type of the index is known, and every other word for one", "[S2-73]") {
  for (const auto* type : {"text", "int", "number", "boolean", "date", "uuid", "text[]", "int[]", "number[]",
                           "boolean[]", "date[]", "uuid[]", "blob", "blobHash", "geoCoordinates",
                           "phoneNumber", "object", "object[]", "Asset"}) {
    CAPTURE(type);
    CHECK(property_type(type) == type);
  }
  CHECK(property_type("string") == "text");
  CHECK(property_type("bool[]") == "boolean[]");
  CHECK(property_type("float") == "number");
  for (const auto* type : {"", "[]", "Text-", "Asset[]", "blob[]", "geoCoordinates[]", "text[][]",
                           "vectorRef", "TEXT-", "int ", "phonenumber"}) {
    CAPTURE(type);
    CHECK(property_type(type).empty());
  }
}

TEST_CASE("a class is written as the index writes it", "[S2-28a]") {
  const auto made = canonical({"asset", {{"Title", "string"}, {"URL", "text"}, {"title", "text"}}});
  REQUIRE(made);
  CHECK(*made == profile::IndexClass{"Asset", {{"title", "text"}, {"uRL", "text"}}});
  CHECK(canonical({std::string(255, 'a'), {{std::string(231, 'b'), "int"}}}));
}

TEST_CASE("every fault of a class is told at its place") {
  const auto refused = canonical({"1st", {{"ok", "text"}, {"Id", "text"}, {"a b", "int"}, {"x_temp", "x"}}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "field.invalid");
  std::vector<std::string> places;
  for (const auto& field : refused.error().fields) places.push_back(field.pointer);
  CHECK(places == std::vector<std::string>{"/name", "/properties/1/name", "/properties/2/name",
                                           "/properties/3/name", "/properties/3/type"});
  profile::IndexClass large{"Large", {}};
  for (size_t i = 0; i <= kMaxProperties; i++) large.properties.push_back({"p" + std::to_string(i), "int"});
  CHECK(canonical(large).error().code == "field.invalid");
}

TEST_CASE("classes differ in what is missing and in what is of another type, not in what is more") {
  const profile::IndexClass desired{"Doc", {{"a", "text"}, {"b", "int"}, {"c", "Asset"}}};
  const profile::IndexClass actual{"Doc", {{"z", "text"}, {"A", "text"}, {"b", "number"}}};
  const auto difference = compare(desired, actual);
  CHECK(difference.missing == std::vector<profile::Property>{{"c", "Asset"}});
  REQUIRE(difference.conflicting.size() == 1);
  CHECK(difference.conflicting[0].second == profile::Property{"b", "number"});
  CHECK(compare(actual, actual).missing.empty());
}

TEST_CASE("a property takes the values of its type") {
  const auto taken = [](const char* type, const Json& value) {
    return static_cast<bool>(canonical_meta({"Doc", {{"p", type}}}, {{"p", value}}));
  };
  CHECK(taken("text", "a"));
  CHECK_FALSE(taken("text", 1));
  CHECK(taken("int", -3));
  CHECK_FALSE(taken("int", 3.0));
  CHECK(taken("number", 3));
  CHECK(taken("number", 0.5));
  CHECK_FALSE(taken("number", "1"));
  CHECK_FALSE(taken("number", std::numeric_limits<double>::infinity()));
  CHECK(taken("boolean", false));
  CHECK_FALSE(taken("boolean", 0));
  CHECK(taken("date", "2026-01-02T03:04:05+02:00"));
  CHECK_FALSE(taken("date", "2026-01-02"));
  CHECK(taken("uuid", "5178c309-8346-572d-b13d-c8b68cff10be"));
  CHECK_FALSE(taken("uuid", "x"));
  CHECK(taken("blob", "aGk="));
  CHECK(taken("geoCoordinates", {{"latitude", 1.5}, {"longitude", 2}}));
  CHECK_FALSE(taken("geoCoordinates", {{"latitude", 1.5}}));
  CHECK(taken("phoneNumber", {{"input", "+49 1"}}));
  CHECK_FALSE(taken("phoneNumber", "+49 1"));
  CHECK(taken("object", {{"x", 1}}));
  CHECK(taken("object[]", Json::array({Json::object()})));
  CHECK_FALSE(taken("object[]", Json::object()));
  CHECK(taken("text[]", Json::array()));
  CHECK_FALSE(taken("int[]", Json::array({1, "2"})));
  CHECK(taken("Asset", Json::array({{{"beacon", "weaviate://localhost/Asset/x"}}})));
  CHECK_FALSE(taken("Asset", "x"));
  CHECK_FALSE(taken("text", std::string(kMaxMeta, 'x')));
}
