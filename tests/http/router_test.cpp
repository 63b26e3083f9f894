// Shows which route a path and a method lead to.
#include "http/router.hpp"

#include <catch2/catch.hpp>

using namespace muster::http;

namespace {

Router router_of(std::vector<std::pair<Method, std::string>> patterns) {
  Router router;
  for (auto& [method, pattern] : patterns) router.add(Route{method, pattern, nullptr, "open", false});
  return router;
}

std::string found(const Router& router, Method method, std::string_view path) {
  const auto match = router.find(method, path);
  return match.route ? match.route->pattern : "";
}

}  // namespace

TEST_CASE("a literal path wins over a parameter, and a parameter with a verb over one without") {
  const auto router = router_of({{Method::get, "/v1/nodes/{id}"},
                                 {Method::get, "/v1/nodes/{id}:drain"},
                                 {Method::get, "/v1/nodes/all"},
                                 {Method::get, "/v1/{kind}/all/{x}"}});
  CHECK(found(router, Method::get, "/v1/nodes/all") == "/v1/nodes/all");
  CHECK(found(router, Method::get, "/v1/nodes/n1") == "/v1/nodes/{id}");
  CHECK(found(router, Method::get, "/v1/nodes/n1:drain") == "/v1/nodes/{id}:drain");
  CHECK(found(router, Method::get, "/v1/nodes/all/x") == "/v1/{kind}/all/{x}");
}

TEST_CASE("parameters are what stands in their place, without the verb") {
  const auto router = router_of({{Method::post, "/v1/nodes/{id}/jobs/{job}:stop"}});
  const auto match = router.find(Method::post, "/v1/nodes/n-1/jobs/a:b:stop");
  REQUIRE(match.route);
  Request request;
  request.params = match.params;
  CHECK(request.param("id") == "n-1");
  CHECK(request.param("job") == "a:b");
  CHECK(request.param("none").empty());
}

TEST_CASE("a path that is not there is not found, whatever it looks like") {
  const auto router = router_of({{Method::get, "/v1/nodes/{id}"}, {Method::get, "/"}, {Method::get, "/a/b"}});
  for (const auto* path : {"", "*", "v1", "/v1", "/v1/nodes", "/v1/nodes/", "/v1/nodes/a/", "/v1/nodes//",
                           "//", "/a", "/a/b/", "/a/b/c", "/V1/nodes/a"}) {
    INFO(path);
    const auto match = router.find(Method::get, path);
    CHECK_FALSE(match.route);
    CHECK(match.allowed.empty());
  }
  CHECK(found(router, Method::get, "/") == "/");
}

TEST_CASE("HEAD finds the GET route; another method learns what is allowed", "[S2-53]") {
  const auto router = router_of({{Method::get, "/x"}, {Method::put, "/x"}, {Method::post, "/y/{id}"}});
  CHECK(found(router, Method::head, "/x") == "/x");
  CHECK(found(router, Method::head, "/y/1").empty());
  Request request;
  request.method_name = "BREW";
  request.id = "r1";
  const auto reply = method_not_allowed(router.find(Method::other, "/x"), request);
  CHECK(reply.status == 405);
  REQUIRE(reply.headers.size() == 1);
  CHECK(reply.headers[0] == std::pair<std::string, std::string>{"Allow", "GET, HEAD, PUT, OPTIONS"});
  CHECK(reply.body.find("\"code\":\"method.not.allowed\"") != std::string::npos);
  const auto options = allowed_methods(router.find(Method::options, "/y/1"));
  CHECK(options.status == 204);
  CHECK(options.headers.at(0).second == "POST, OPTIONS");
}
