// Shows the index of a Weaviate server under the contract of every index, against a fake of that server.
#include "adapters/weaviate_index.hpp"

#include <catch2/catch.hpp>

#include "tests/adapters/fake_weaviate.hpp"
#include "tests/adapters/index_contract.hpp"

using namespace muster;

namespace {

/// One for all tests of the process.
FakeWeaviate& fake() {
  static FakeWeaviate server(SOURCE_DIR);
  return server;
}

std::unique_ptr<VectorIndex> index_of(const std::string& url, const std::string& key = {}) {
  auto index = make_weaviate_index({.url = url, .api_key = key});
  REQUIRE(index);
  return std::move(*index);
}

IndexRoom make_room() {
  fake().reset();
  return {index_of(fake().url()), [] { return fake().writes(); }};
}

}  // namespace

TEST_CASE("Weaviate's classes are made as every index makes them, in requests that it describes",
          "[S2-28a][S2-28b][S2-28c][S2-35][S2-73]") {
  index_schema_contract(make_room);
  CHECK(fake().faults() == Json::array());
}

TEST_CASE("Weaviate's objects are put as every index takes them, in requests that it describes",
          "[S2-35][S2-74]") {
  index_object_contract(make_room);
  CHECK(fake().faults() == Json::array());
}

TEST_CASE("a second pass over twenty classes writes nothing") {
  const auto room = make_room();
  size_t before = 0;
  for (const auto* outcome : {"changed", "in_sync"}) {
    before = fake().writes();
    for (int i = 0; i < 20; i++) {
      auto spec = kAsset;
      spec.name += std::to_string(i);
      CHECK(outcome_of(room.index->ensure_class(spec, {})) == outcome);
      CHECK(outcome_of(room.index->ensure_properties(spec, {})) == "in_sync");
    }
  }
  CHECK(before == 20);
  CHECK(fake().writes() == before);
}

TEST_CASE("a request that Weaviate does not describe is found by the fake") {
  fake().reset();
  HttpClient client;
  const auto send = [&](const std::string& method, const std::string& path, const std::string& body) {
    const auto reply = client.fetch({.method = method,
                                     .url = fake().url() + path,
                                     .headers = {{"Content-Type", "application/json"}},
                                     .body = body});
    return reply->status;
  };
  CHECK(send("DELETE", "/v1/schema/Doc", "") == 422);
  CHECK(send("POST", "/v1/schema", R"({"class":"Doc","vectorizer":"none","props":[]})") == 422);
  CHECK(send("POST", "/v1/schema/Doc/properties", R"({"name":"a","dataType":"text"})") == 422);
  CHECK(send("GET", "/v1/objects?class=Doc&limit=all", "") == 422);
  CHECK(send("POST", "/v1/schema", R"({"class")") == 400);
  CHECK(fake().faults().size() == 4);
}

TEST_CASE("a class that stands there in another case is the class") {
  const auto room = make_room();
  fake().add_class({{"class", "DOC"}, {"vectorizer", "none"}, {"properties", Json::array()}});
  const auto before = fake().writes();
  CHECK(outcome_of(room.index->ensure_class({"Doc", {{"title", "text"}}}, {})) == "in_sync");
  CHECK(fake().writes() == before);
  CHECK(outcome_of(room.index->ensure_properties({"Doc", {{"title", "text"}}}, {})) == "changed");
  CHECK(outcome_of(room.index->ensure_properties({"doc", {{"Title", "text"}}}, {})) == "in_sync");
  CHECK(code_of(room.index->upsert_vector("doc", "a", {1}, {{"title", "t"}})) == "");
  CHECK(*room.index->classes() == std::vector<std::string>{"DOC"});
  CHECK(fake().faults() == Json::array());
}

TEST_CASE("a class whose vectors are made by the server, or that has tenants, has drifted and stays") {
  const auto room = make_room();
  const auto [made, words] = GENERATE(table<Json, std::string>(
    {{{{"vectorizer", "text2vec-x"}}, "its vectors are made by \"text2vec-x\""},
     {{{"vectorizer", "none"}, {"multiTenancyConfig", {{"enabled", true}}}}, "its objects belong to tenants"},
     {{{"vectorizer", ""}, {"vectorConfig", {{"title", {{"vectorizer", {{"none", Json::object()}}}}}}}},
      "its vectors are made by \"named vectors, title first\""}}));
  Json shape = made;
  shape["class"] = "Asset";
  fake().add_class(shape);
  const auto before = fake().writes();
  const auto told = room.index->ensure_class(kAsset, {});
  CHECK(outcome_of(told) == "drifted");
  CHECK(told->detail == "class Asset is left as it is: " + words);
  CHECK(told->desired["vectorizer"] == "none");
  CHECK(told->actual != told->desired);
  CHECK(fake().writes() == before);
}

TEST_CASE("types are compared as the server means them, whatever order or word it has for them") {
  const auto room = make_room();
  fake().add_class(Json{{"class", "Asset"},
                        {"vectorizer", "none"},
                        {"properties",
                         {{{"name", "title"}, {"dataType", {"string"}}},
                          {{"name", "by"}, {"dataType", {"Person", "Author"}}},
                          {{"name", "new"}, {"dataType", {"hologram"}}}}}});
  CHECK(outcome_of(room.index->ensure_properties({"Asset", {{"title", "text"}}}, {})) == "in_sync");
  const auto told = room.index->ensure_properties({"Asset", {{"by", "Person"}, {"new", "blob"}}}, {});
  CHECK(outcome_of(told) == "incompatible");
  CHECK(told->actual["properties"][0]["type"] == "Author,Person");
  CHECK(told->actual["properties"][1]["type"] == "hologram");
}

TEST_CASE("undeclared meta is never sent, as a server may make properties of it") {
  FakeWeaviate server(SOURCE_DIR, {"--autoschema"});
  const auto index = index_of(server.url());
  REQUIRE(index->ensure_class({"Doc", {}}, {}));
  CHECK(code_of(index->upsert_vector("Doc", "a", {1}, {{"guess", "x"}})) == "field.invalid");
  CHECK(code_of(index->upsert_vector("Nowhere", "a", {1}, nullptr)) == "field.invalid");
  CHECK(outcome_of(index->ensure_properties({"Doc", {{"guess", "int"}}}, {})) == "changed");
  CHECK(*index->classes() == std::vector<std::string>{"Doc"});
}

TEST_CASE("a server that wants a key is given it, and no text ever has it") {
  FakeWeaviate server(SOURCE_DIR, {"--api-key", "s3cret-of-the-index"});
  CHECK(outcome_of(index_of(server.url(), "s3cret-of-the-index")->ensure_class(kAsset, {})) == "changed");
  const auto without = index_of(server.url())->ensure_class(kAsset, {});
  CHECK(outcome_of(without).starts_with("backend.refused"));
  CHECK(without.error().detail.find("anonymous access not enabled") != std::string::npos);
  const auto wrong = index_of(server.url(), "wr0ng-key")->ensure_class(kAsset, {});
  CHECK(outcome_of(wrong).starts_with("backend.refused"));
  CHECK(wrong.error().detail.find("wr0ng") == std::string::npos);
  CHECK(server.faults() == Json::array());
}

TEST_CASE("settings that cannot be are refused, and a credential in them is not repeated") {
  for (const auto* url : {"", "ftp://x", "http://user:s3cret@host:8080", "http://host:8080/?key=s3cret"}) {
    CAPTURE(url);
    const auto refused = make_weaviate_index({.url = url});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "field.invalid");
    CHECK(refused.error().detail.find("s3cret") == std::string::npos);
  }
  const auto split = make_weaviate_index({.url = "http://host", .api_key = "s3cret\r\nX-Other: y"});
  REQUIRE_FALSE(split);
  CHECK(split.error().detail.find("s3cret") == std::string::npos);
}
