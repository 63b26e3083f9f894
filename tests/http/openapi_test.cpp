// Shows that the description names exactly the routes there are, and that a defect of a piece is found.
#include "http/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "events/log/memory_disk.hpp"
#include "http/api.hpp"

using namespace muster;
using namespace muster::http;

namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string>;

std::string name_of(std::string method, const std::string& path) {
  for (auto& c : method) c = static_cast<char>(std::toupper(c));
  return method + " " + path;
}

Names described(const Json& document) {
  Names names;
  for (const auto& [path, operations] : document["paths"].items())
    for (const auto& [method, operation] : operations.items()) names.insert(name_of(method, path));
  return names;
}

Names served(const std::vector<Route>& routes) {
  Names names;
  for (const auto& route : routes)
    if (!route.inside) names.insert(name_of(std::string(to_string(route.method)), route.pattern));
  return names;
}

Names without(Names from, const Names& these) {
  for (const auto& name : these) from.erase(name);
  return from;
}

/// A node's edge, nothing opened: enough to know its routes.
struct Edge {
  fs::path folder = fs::temp_directory_path() / ("muster-openapi-" + std::to_string(::getpid()));
  log::MemoryDisk disk;
  Keys keys;
  std::unique_ptr<System> system;
  std::unique_ptr<Api> api;

  Edge() {
    fs::create_directories(folder);
    auto made = load_or_make_keys((folder / "keys").string());
    REQUIRE(made);
    keys = *made;
    SystemOptions options;
    options.node = "n1";
    options.version = "1";
    auto started = System::make(disk, keys, options);
    REQUIRE(started);
    system = std::move(*started);
    api = std::make_unique<Api>(*system, ApiOptions{});
  }
  ~Edge() {
    api.reset();
    system.reset();
    fs::remove_all(folder);
  }
};

constexpr std::string_view kCommon = R"({
  "x-problem-sets": {"every": ["internal"], "credential": ["forbidden"], "body": ["bad.json"]},
  "x-refused-bodies": {"any": [{"raw": "{"}], "required": [{"raw": ""}]}})";

Result<Json> together(std::string_view piece, std::string_view another = "{}") {
  const std::vector<EmbeddedFile> pieces{{"common", kCommon}, {"one", piece}, {"two", another}};
  return openapi_document(pieces, {Route{Method::post, "/x", nullptr, "admin", true}}, "1");
}

}  // namespace

TEST_CASE("every route is described, and what is described is a route") {
  Edge edge;
  const auto& routes = edge.api->router().routes();
  const auto document = openapi_document(openapi_pieces(), routes, "1");
  if (!document) FAIL(document.error().detail);
  CHECK(without(served(routes), described(*document)) == Names{});
  CHECK(without(described(*document), served(routes)) == Names{});
  const auto inside = std::count_if(routes.begin(), routes.end(), [](const Route& r) { return r.inside; });
  CHECK(served(routes).size() + static_cast<size_t>(inside) == routes.size());
}

TEST_CASE("a route that one side does not know is found") {
  Edge edge;
  auto routes = edge.api->router().routes();
  routes.push_back({Method::put, "/v1/nodes", nullptr});
  const auto document = openapi_document(openapi_pieces(), routes, "1");
  REQUIRE(document);
  CHECK(without(served(routes), described(*document)) == Names{"PUT /v1/nodes"});
}

TEST_CASE("problems are spelt out with the status of the catalogue") {
  const auto document = together(R"({"paths": {"/x": {"post": {"x-problems": ["node.unknown", "not.found"],
      "requestBody": {"required": true}, "responses": {"200": {"description": ""}}}}}})");
  REQUIRE(document);
  const auto& operation = (*document)["paths"]["/x"]["post"];
  Names statuses;
  for (const auto& [status, response] : operation["responses"].items()) statuses.insert(status);
  CHECK(statuses == Names{"200", "400", "403", "404", "500"});
  CHECK(operation["x-action"] == "admin");
  CHECK(operation["x-refused"].size() == 2);
  const auto& schema =
    operation["responses"]["404"]["content"]["application/problem+json"]["schema"]["allOf"][1];
  CHECK(schema["properties"]["code"]["enum"] == Json({"node.unknown", "not.found"}));
  CHECK(schema["properties"]["status"]["const"] == 404);
}

TEST_CASE("a defect of a piece is named with the piece or the path") {
  const auto detail = [](const Result<Json>& document) { return document ? "" : document.error().detail; };
  constexpr auto kPath = R"({"paths": {"/x": {"post": {"responses": {}}}}})";
  CHECK(detail(together(kPath)).empty());
  CHECK(detail(together("{")).find("one: bad json") != std::string::npos);
  CHECK(detail(together(kPath, kPath)).find("two says post again") != std::string::npos);
  CHECK(detail(together(R"({"paths": {"/x": {"post": {"x-problems": ["node.lost"]}}}})"))
          .find("/x: the catalogue has no error node.lost") != std::string::npos);
}
