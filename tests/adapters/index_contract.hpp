// What every vector index must do, whatever keeps it.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "adapters/ports/vector_index.hpp"

namespace muster {

/// An index without classes, and how often it has written since.
struct IndexRoom {
  std::unique_ptr<VectorIndex> index;
  std::function<size_t()> writes;
};

inline std::string code_of(const Status& status) {
  return status ? "" : status.error().code;
}

inline std::string outcome_of(const Result<environment::Ensured>& ensured) {
  if (!ensured) return ensured.error().code + ": " + ensured.error().detail;
  return std::string(environment::to_text(ensured->outcome));
}

inline const profile::IndexClass kAsset{
  "Asset", {{"title", "text"}, {"pages", "int"}, {"tags", "text[]"}, {"made", "date"}}};

template <class Make>
void index_schema_contract(const Make& make) {
  const IndexRoom room = make();
  VectorIndex& index = *room.index;

  SECTION("a missing class is made with its properties, a second time nothing is written") {
    const auto made = index.ensure_class(kAsset, {"key"});
    CHECK(outcome_of(made) == "changed");
    CHECK(made->detail == "made class Asset with 4 properties");
    CHECK(made->actual.is_null());
    CHECK(made->desired["properties"].size() == 4);
    CHECK(outcome_of(index.ensure_properties(kAsset, {"key"})) == "in_sync");
    const auto before = room.writes();
    CHECK(before > 0);
    CHECK(outcome_of(index.ensure_class(kAsset, {"key"})) == "in_sync");
    CHECK(outcome_of(index.ensure_properties(kAsset, {"key"})) == "in_sync");
    CHECK(room.writes() == before);
    CHECK(*index.classes() == std::vector<std::string>{"Asset"});
  }

  SECTION("a dry run says what would be done, and writes nothing") {
    const environment::Ask dry{"key", true};
    const auto would = index.ensure_class(kAsset, dry);
    CHECK(outcome_of(would) == "changed");
    CHECK(would->detail == "would make class Asset with 4 properties");
    CHECK(outcome_of(index.ensure_properties(kAsset, dry)) == "changed");
    CHECK(index.classes()->empty());
    CHECK(room.writes() == 0);
    REQUIRE(index.ensure_class({"Asset", {{"title", "text"}}}, {}));
    const auto before = room.writes();
    const auto more = index.ensure_properties(kAsset, dry);
    CHECK(outcome_of(more) == "changed");
    CHECK(more->detail == "would add to class Asset: pages (int), tags (text[]), made (date)");
    CHECK(room.writes() == before);
    CHECK(outcome_of(index.ensure_properties(kAsset, {})) == "changed");
  }

  SECTION("names are written in one way, and are one when they differ in case only") {
    CHECK(outcome_of(index.ensure_class({"asset", {{"Title", "text"}, {"someThing", "int"}}}, {})) ==
          "changed");
    CHECK(*index.classes() == std::vector<std::string>{"Asset"});
    const auto before = room.writes();
    for (const auto* name : {"Asset", "asset", "ASSET", "aSSet"}) {
      CAPTURE(name);
      CHECK(outcome_of(index.ensure_class({name, {}}, {})) == "in_sync");
      CHECK(outcome_of(index.ensure_properties({name, {{"TITLE", "text"}, {"SomeTHING", "int"}}}, {})) ==
            "in_sync");
    }
    CHECK(room.writes() == before);
  }

  SECTION("a type may be called by another word for it") {
    REQUIRE(index.ensure_class(
      {"Doc", {{"a", "string"}, {"b", "bool"}, {"c", "float"}, {"d", "string[]"}, {"e", "float[]"}}}, {}));
    CHECK(outcome_of(index.ensure_properties(
            {"Doc", {{"a", "text"}, {"b", "boolean"}, {"c", "number"}, {"d", "text[]"}, {"e", "number[]"}}},
            {})) == "in_sync");
  }

  SECTION("missing properties are added, and what is there beyond them stays") {
    REQUIRE(index.ensure_class({"Asset", {{"foreign", "uuid"}, {"title", "text"}}}, {}));
    const auto added = index.ensure_properties(kAsset, {});
    CHECK(outcome_of(added) == "changed");
    CHECK(added->detail == "added to class Asset: pages (int), tags (text[]), made (date)");
    CHECK(outcome_of(index.ensure_properties({"Asset", {{"foreign", "uuid"}}}, {})) == "in_sync");
    CHECK(outcome_of(index.ensure_properties(kAsset, {})) == "in_sync");
  }

  SECTION("a property of another type stays, is shown with both sides, and does not stop the others") {
    REQUIRE(index.ensure_class({"Asset", {{"title", "int"}}}, {}));
    const auto told = index.ensure_properties(kAsset, {});
    CHECK(outcome_of(told) == "incompatible");
    CHECK(told->detail ==
          "added to class Asset: pages (int), tags (text[]), made (date); Asset.title is int and stays, text "
          "is desired");
    const auto again = index.ensure_properties(kAsset, {});
    CHECK(outcome_of(again) == "incompatible");
    CHECK(again->desired.dump() == R"({"name":"Asset","properties":[{"name":"title","type":"text"}]})");
    CHECK(again->actual.dump() == R"({"name":"Asset","properties":[{"name":"title","type":"int"}]})");
    CHECK(outcome_of(index.ensure_properties({"Asset", {{"title", "int[]"}}}, {})) == "incompatible");
    CHECK(outcome_of(index.ensure_class(kAsset, {})) == "in_sync");
  }

  SECTION("a property may refer to a class") {
    REQUIRE(index.ensure_class({"Author", {}}, {}));
    const profile::IndexClass book{"Book", {{"by", "Author"}}};
    CHECK(outcome_of(index.ensure_class(book, {})) == "changed");
    CHECK(outcome_of(index.ensure_properties(book, {})) == "in_sync");
  }

  SECTION("what is no name or type is refused before anything is asked, with every fault") {
    const profile::IndexClass bad{"no class",
                                  {{"id", "text"},
                                   {"a-b", "text"},
                                   {"x_searchable", "text"},
                                   {"v", "vectorRef"},
                                   {"b", "blob[]"},
                                   {"t", "text"},
                                   {"T", "int"}}};
    const auto refused = index.ensure_class(bad, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "field.invalid");
    CHECK(refused.error().fields.size() == 7);
    CHECK(outcome_of(index.ensure_properties({"../x", {}}, {})).starts_with("field.invalid"));
    CHECK(outcome_of(index.ensure_class({std::string(256, 'A'), {}}, {})).starts_with("field.invalid"));
    CHECK(room.writes() == 0);
  }
}

template <class Make>
void index_object_contract(const Make& make) {
  const IndexRoom room = make();
  VectorIndex& index = *room.index;
  const std::string uuid = "5178c309-8346-572d-b13d-c8b68cff10be";
  REQUIRE(index.ensure_class(kAsset, {}));

  SECTION("an object is put, found, and replaced as a whole") {
    CHECK_FALSE(*index.find_vector("Asset", uuid));
    const Json meta = {
      {"title", "one"}, {"pages", 3}, {"tags", {"a", "b"}}, {"made", "2026-01-02T03:04:05Z"}};
    CHECK(code_of(index.upsert_vector("asset", "5178C309-8346-572D-B13D-C8B68CFF10BE", {1, 0.5, -2}, meta)) ==
          "");
    const auto found = index.find_vector("Asset", uuid);
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->id == uuid);
    CHECK((*found)->vector == std::vector<float>{1, 0.5, -2});
    CHECK((*found)->meta == meta);
    CHECK(code_of(index.upsert_vector("Asset", uuid, {0.1F, 0, 0}, {{"Title", "two"}, {"pages", nullptr}})) ==
          "");
    const auto replaced = index.find_vector("Asset", uuid);
    CHECK((*replaced)->vector == std::vector<float>{0.1F, 0, 0});
    CHECK((*replaced)->meta == Json{{"title", "two"}});
  }

  SECTION("an id that is no UUID becomes one, always the same, and is kept") {
    REQUIRE(index.ensure_class({"Doc", {}}, {}));
    for (int i = 0; i < 2; i++) CHECK(code_of(index.upsert_vector("doc", "alpha", {1}, nullptr)) == "");
    const auto found = index.find_vector("DOC", "alpha");
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->id == "ea1e5bdb-78ac-57df-a1a2-c19f4308d3ba");
    CHECK((*found)->meta == Json{{"externalId", "alpha"}});
    CHECK(*index.find_vector("Doc", "ea1e5bdb-78ac-57df-a1a2-c19f4308d3ba"));
    CHECK_FALSE(*index.find_vector("Asset", "alpha"));
    CHECK(code_of(index.upsert_vector("Doc", "beta", {1}, {{"externalId", "gamma"}})) == "field.invalid");
    REQUIRE(index.ensure_class({"Odd", {{"externalId", "int"}}}, {}));
    CHECK(code_of(index.upsert_vector("Odd", "alpha", {1}, nullptr)) == "field.invalid");
    REQUIRE(index.ensure_class({"Spelt", {{"externalID", "text"}}}, {}));
    CHECK(code_of(index.upsert_vector("Spelt", "alpha", {1}, nullptr)) == "");
    CHECK((*index.find_vector("Spelt", "alpha"))->meta == Json{{"externalID", "alpha"}});
  }

  SECTION("the first object says how long the vectors of its class are") {
    CHECK(code_of(index.upsert_vector("Asset", "a", {1, 2, 3}, nullptr)) == "");
    const auto before = room.writes();
    const auto status = index.upsert_vector("Asset", "b", {1, 2}, nullptr);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == "field.invalid");
    CHECK(status.error().detail == "vectors of class Asset have 3 numbers, not 2");
    CHECK(code_of(index.upsert_vector("Asset", "a", {1, 2, 3, 4}, nullptr)) == "field.invalid");
    CHECK(room.writes() == before);
    REQUIRE(index.ensure_class({"Other", {}}, {}));
    CHECK(code_of(index.upsert_vector("Other", "b", {1, 2}, nullptr)) == "");
  }

  SECTION("meta that the class does not declare, or of another type, is refused with every fault") {
    const auto before = room.writes();
    const auto status = index.upsert_vector(
      "Asset", uuid, {1}, {{"colour", "red"}, {"title", 5}, {"pages", 1.5}, {"tags", "a"}, {"made", "now"}});
    REQUIRE_FALSE(status);
    CHECK(status.error().code == "field.invalid");
    CHECK(status.error().fields.size() == 5);
    CHECK(code_of(index.upsert_vector("Asset", uuid, {1}, {{"tags", {"a", 1}}})) == "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", uuid, {1}, {{"title", "\xff"}})) == "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", uuid, {1}, {{"title", "a"}, {"Title", "b"}})) ==
          "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", uuid, {1}, Json::array())) == "field.invalid");
    CHECK(room.writes() == before);
    CHECK(outcome_of(index.ensure_properties(kAsset, {})) == "in_sync");
  }

  SECTION("no object without a class, an id and a vector of numbers") {
    CHECK(code_of(index.upsert_vector("Nowhere", uuid, {1}, nullptr)) == "field.invalid");
    CHECK(code_of(index.upsert_vector("no class", uuid, {1}, nullptr)) == "field.invalid");
    CHECK(index.find_vector("Nowhere", uuid).error().code == "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", "", {1}, nullptr)) == "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", "\xff", {1}, nullptr)) == "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", uuid, {}, nullptr)) == "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", uuid, {std::numeric_limits<float>::quiet_NaN()}, nullptr)) ==
          "field.invalid");
    CHECK(code_of(index.upsert_vector("Asset", uuid, std::vector<float>(70'000), nullptr)) ==
          "field.invalid");
    CHECK(*index.classes() == std::vector<std::string>{"Asset"});
  }
}

}  // namespace muster
