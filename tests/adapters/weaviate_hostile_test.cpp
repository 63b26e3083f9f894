// Shows what becomes of a Weaviate server that is slow, broken, lying or refuses.
#include <atomic>
#include <mutex>

#include <catch2/catch.hpp>

#include "adapters/weaviate_index.hpp"
#include "tests/adapters/index_contract.hpp"
#include "tests/adapters/strange_tls_server.hpp"
#include "tests/adapters/tiny_server.hpp"

using namespace muster;

namespace {

constexpr const char* kClass = R"({"class":"Asset","vectorizer":"none","properties":null})";

bool asks(const std::string& request, const char* what) {
  return request.starts_with(what);
}

std::string with_retry_after(int status, const std::string& seconds) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nRetry-After: " + seconds +
         "\r\nContent-Length: 0\r\n\r\n";
}

/// Ready, and answers everything else as `handler` says.
TinyServer::Handler ready_and(TinyServer::Handler handler) {
  return [handler = std::move(handler)](const std::string& request) {
    if (asks(request, "GET /v1/.well-known/ready HTTP")) return http_answer(200, "");
    if (asks(request, "GET /v1/meta ")) return http_answer(200, R"({"version":"1.40.0"})");
    return handler(request);
  };
}

std::unique_ptr<VectorIndex> index_of(const TinyServer& server, const std::string& key = {}) {
  auto index = make_weaviate_index(
    {.url = server.url(""), .api_key = key, .connect_timeout = Millis{500}, .call_timeout = Millis{500}});
  REQUIRE(index);
  return std::move(*index);
}

Error refusal_of(const TinyServer& server, const std::string& key = {}) {
  const auto ensured = index_of(server, key)->ensure_class(kAsset, {});
  REQUIRE_FALSE(ensured);
  return ensured.error();
}

}  // namespace

TEST_CASE("an answer that cannot be right is told as one") {
  const auto body =
    GENERATE(std::string(""), std::string("<html>"), std::string("[]"), std::string("5"),
             std::string(R"({"class":5})"), std::string(R"({"class":"Asset","properties":{}})"),
             std::string(R"({"class":"Asset","properties":[5]})"),
             std::string(R"({"class":"Asset","properties":[{"name":"a","dataType":"text"}]})"),
             std::string(R"({"class":"Asset","properties":[{"name":"a","dataType":[5]}]})"),
             std::string("{\"class\":\"\xff\"}"), std::string(R"({"class":"As)"), std::string(100'000, '['),
             std::string(R"({"class":)") + std::string(50'000, '{'), std::string(17 << 20, ' '));
  TinyServer server(ready_and([&](const std::string&) { return http_answer(200, body); }));
  const auto error = refusal_of(server);
  CHECK(error.code == "backend.reply");
  CHECK(error.detail.size() < 500);
}

TEST_CASE("an answer without end is cut off") {
  TinyServer server(ready_and([](const std::string&) {
    std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 18; i++) answer += "100000\r\n" + std::string(1 << 20, ' ') + "\r\n";
    return answer;  // Without the last chunk.
  }));
  CHECK(refusal_of(server).code == "backend.reply");
}

TEST_CASE("who is slow, half open, gone or not ready is unreachable, within the time of a call") {
  const auto started = std::chrono::steady_clock::now();
  const auto slow =
    ready_and([](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"; });
  const auto silent = [](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"; };
  const auto closes = [](const std::string&) { return ""; };
  const auto unready = [](const std::string&) { return http_answer(503, ""); };
  for (const TinyServer::Handler& handler : {TinyServer::Handler(slow), TinyServer::Handler(silent),
                                             TinyServer::Handler(closes), TinyServer::Handler(unready)}) {
    TinyServer server(handler);
    CHECK(refusal_of(server).code == "unreachable");
    server.stop();
    CHECK(refusal_of(server).code == "unreachable");
  }
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds{8});
}

TEST_CASE("a call has one time limit for all of its requests") {
  std::atomic<int> requests = 0;
  TinyServer server(ready_and([&](const std::string& request) {
    requests++;  // A slow server, yet in time each time.
    return http_answer(200, asks(request, "GET") ? kClass : "{}");
  }));
  const auto clock = [&] { return SteadyTime{} + std::chrono::seconds{4 * requests}; };
  const auto index =
    make_weaviate_index({.url = server.url(""), .call_timeout = Millis{10'000}, .clock = clock});
  REQUIRE(index);
  CHECK(outcome_of((*index)->ensure_properties(kAsset, {})).starts_with("unreachable"));
  CHECK(requests == 3);
}

TEST_CASE("a server is asked again whether it is ready after it failed, and used as soon as it is") {
  std::atomic<bool> up = false;
  TinyServer server([&](const std::string& request) {
    if (!up) return http_answer(503, "");
    return asks(request, "GET /v1/schema") ? http_answer(200, kClass) : http_answer(200, "");
  });
  const auto index = index_of(server);
  CHECK(outcome_of(index->ensure_class(kAsset, {})).starts_with("unreachable"));
  CHECK(server.requests() == 1);
  up = true;
  CHECK(outcome_of(index->ensure_class(kAsset, {})) == "in_sync");
}

TEST_CASE("whatever shape a refusal has, its words are told and its credentials are not") {
  const std::string key = "s3cret-key";
  const auto [status, body, code, words] = GENERATE(table<int, std::string, std::string, std::string>(
    {{401, R"({"code":401,"message":"invalid api key"})", "backend.refused", "invalid api key"},
     {401, "", "backend.refused", "answered 401"},
     {403, R"({"error":[{"message":"no"},{"message":"not you"}]})", "backend.refused", "no; not you"},
     {403, R"({"error":"text","x":[1]})", "backend.refused", "answered 403: {"},
     {400, "", "backend.reply", "answered 400"},
     {302, "", "backend.reply", "answered 302"},
     {415, R"({"code":415,"message":"what Bearer s3cret-key\nis\u0000this"})", "backend.reply",
      "what Bearer *** is this"},
     {429, R"({"error":[{"message":"slower"}]})", "backend.throttled", "slower"},
     {429,
      R"({"errorCode":"USAGE_LIMIT_EXCEEDED","limit":"collections","value":5,"message":"no more than 5"})",
      "backend.refused", "no more than 5"},
     {500, "\xff\xfe s3cret-key", "backend.failed", "?? ***"}}));
  CAPTURE(status, body);
  TinyServer server(
    ready_and([status = status, body = body](const std::string&) { return http_answer(status, body); }));
  const auto error = refusal_of(server, key);
  CHECK(error.code == code);
  CHECK(error.detail.find(words) != std::string::npos);
  CHECK(error.detail.find(key) == std::string::npos);
}

TEST_CASE("a refusal of nothing but the key is told in a moment, in few words") {
  const std::string key = "s3cret-key";
  std::string keys;
  while (keys.size() < (15U << 20U)) keys += key;
  const auto status = GENERATE(500, 401, 422);
  const auto body = GENERATE(0, 1) == 0 ? keys : R"({"error":[{"message":")" + keys + R"("}]})";
  TinyServer server(ready_and([&](const std::string&) { return http_answer(status, body); }));
  const auto index = make_weaviate_index({.url = server.url(""), .api_key = key});
  REQUIRE(index);
  const auto started = std::chrono::steady_clock::now();
  const auto ensured = (*index)->ensure_class(kAsset, {});
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds{10});
  REQUIRE_FALSE(ensured);
  CHECK(ensured.error().detail.size() < 500);
  CHECK(ensured.error().detail.find(key) == std::string::npos);
}

TEST_CASE("names, types and modules of a good answer are told without the key that they repeat") {
  const std::string key = "s3cret-key";
  const auto told = [&](const std::string& members, const std::string& type) {
    const auto body =
      R"({"class":"Asset",)" + members + R"(,"properties":[{"name":"size","dataType":[")" + type + R"("]}]})";
    TinyServer server(ready_and([&](const std::string&) { return http_answer(200, body); }));
    const auto index = index_of(server, key);
    const profile::IndexClass wanted{"Asset", {{"size", "int"}}};
    std::string all;
    for (const auto& ensured : {index->ensure_class(wanted, {}), index->ensure_properties(wanted, {})})
      all += ensured ? ensured->detail + ensured->desired.dump() + ensured->actual.dump()
                     : ensured.error().code + ": " + ensured.error().detail;
    CHECK(all.find(key) == std::string::npos);
    CHECK(all.size() < 1'000);
    return all;
  };
  CHECK_THAT(told(R"("vectorizer":"Bearer s3cret-key")", "int"), Catch::Contains(R"(made by "Bearer ***")"));
  CHECK_THAT(told(R"("vectorConfig":{"s3cret-key":{}})", "int"), Catch::Contains("named vectors, *** first"));
  CHECK_THAT(told(R"("vectorizer":"none")", "Bearer s3cret-key"),
             Catch::Contains("size is Bearer *** and stays"));
  CHECK_THAT(told(R"("vectorizer":"none")", R"(A","B s3cret-key)"),
             Catch::Contains("size is A,B *** and stays"));
  std::string many = "A";
  for (int i = 0; i < 1'000; i++) many += R"(","A)" + std::to_string(i);
  CHECK_THAT(told(R"("vectorizer":"none")", many), Catch::Contains("size is A,A0,A1,"));
  TinyServer server(
    ready_and([&](const std::string&) { return http_answer(200, R"({"class":"Other s3cret-key"})"); }));
  CHECK(refusal_of(server, key) == Error{"backend.conflict", "Asset is another name of class Other ***"});
}

TEST_CASE("names, types and modules that are too long, or no line of text, are no answer") {
  const auto text = GENERATE(std::string(15 << 20, 'x'), std::string(301, 'x'), std::string(R"(a\u0000b)"),
                             std::string(R"(a\nb)"));
  const auto form = GENERATE(
    R"({"class":"Asset","vectorizer":"?","properties":null})", R"({"class":"Asset","vectorConfig":{"?":{}}})",
    R"({"class":"Asset","properties":[{"name":"size","dataType":["?"]}]})",
    R"({"class":"Asset","properties":[{"name":"?","dataType":["int"]}]})", R"({"class":"?"})");
  auto body = std::string(form);
  body.replace(body.find('?'), 1, text);
  TinyServer server(ready_and([&](const std::string&) { return http_answer(200, body); }));
  const auto index = make_weaviate_index({.url = server.url("")});
  REQUIRE(index);
  const auto ensured = (*index)->ensure_properties({"Asset", {{"size", "int"}}}, {});
  REQUIRE_FALSE(ensured);
  CHECK(ensured.error().code == "backend.reply");
  CHECK(ensured.error().detail.size() < 500);
}

TEST_CASE("a server that asks to be left alone says for how long, and is asked once") {
  const auto [status, given, seconds, code] =
    GENERATE(table<int, std::string, int, std::string>({{429, "7", 7, "backend.throttled"},
                                                        {503, "30", 30, "backend.throttled"},
                                                        {503, "0", 0, "unreachable"},
                                                        {429, "99999999", 3600, "backend.throttled"},
                                                        {429, "-5", 0, "backend.throttled"},
                                                        {429, "soon", 0, "backend.throttled"}}));
  std::atomic<int> asked = 0;
  TinyServer server(ready_and([&, status = status, given = given](const std::string&) {
    return asked++ == 0 ? with_retry_after(status, given) : http_answer(200, kClass);
  }));
  const auto index = index_of(server);
  const auto refused = index->ensure_class(kAsset, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == code);
  CHECK(index->retry_after() == std::chrono::seconds{seconds});
  CHECK((refused.error().detail.find(std::to_string(seconds) + " s") != std::string::npos) == (seconds > 0));
  CHECK(asked == 1);
  CHECK(outcome_of(index->ensure_class(kAsset, {})) == "in_sync");
  CHECK(index->retry_after() == std::chrono::seconds{0});
}

TEST_CASE("a server that says it made what is not there is not believed") {
  TinyServer server(ready_and([](const std::string& request) {
    if (asks(request, "GET /v1/schema/Asset ")) return http_answer(404, "");
    if (asks(request, "GET /v1/schema/Doc ")) return http_answer(200, R"({"class":"Doc"})");
    if (asks(request, "GET /v1/schema ")) return http_answer(200, "{}");
    if (asks(request, "GET /v1/objects?")) return http_answer(200, R"({"objects":[]})");
    return http_answer(200, R"({"class":"Asset","id":"somebody else"})");
  }));
  const auto index = index_of(server);
  CHECK(outcome_of(index->ensure_class(kAsset, {})) ==
        "backend.reply: class Asset was said to be made, and is not there");
  CHECK(outcome_of(index->ensure_properties({"Doc", {{"a", "int"}}}, {})) ==
        "backend.reply: of class Doc a (int) was said to be made, and is not there");
  CHECK(code_of(index->upsert_vector("Doc", "5178c309-8346-572d-b13d-c8b68cff10be", {1}, nullptr)) ==
        "backend.reply");
}

TEST_CASE("a refused write is no failure when the thing is there afterwards, and one when it is not") {
  std::atomic<bool> written = false;
  const auto appears = GENERATE(true, false);
  TinyServer server(ready_and([&](const std::string& request) {
    if (asks(request, "GET /v1/schema/")) return http_answer(written && appears ? 200 : 404, kClass);
    if (asks(request, "GET /v1/schema ")) return http_answer(200, R"({"classes":[]})");
    written = true;
    return http_answer(422, R"({"error":[{"message":"class name Asset already exists"}]})");
  }));
  CHECK(
    outcome_of(index_of(server)->ensure_class({"Asset", {}}, {})) ==
    (appears ? "in_sync" : "backend.refused: class Asset was not taken: class name Asset already exists"));
}

TEST_CASE("a server without a leader refuses what is right, and is told as one that is not ready") {
  std::atomic<bool> ready = true;
  TinyServer server([&](const std::string& request) {
    if (asks(request, "GET /v1/.well-known/ready")) return http_answer(ready ? 200 : 503, "");
    if (asks(request, "GET /v1/schema/")) return http_answer(404, "");
    if (asks(request, "GET /v1/schema ")) return http_answer(200, "{}");
    if (asks(request, "POST")) ready = false;
    return http_answer(422, R"({"error":[{"message":"leader not found"}]})");
  });
  CHECK(outcome_of(index_of(server)->ensure_class(kAsset, {})).starts_with("unreachable"));
}

TEST_CASE("a name that leads to another class is somebody else's") {
  TinyServer server(ready_and([](const std::string&) { return http_answer(200, R"({"class":"Other"})"); }));
  CHECK(refusal_of(server).code == "backend.conflict");
}

TEST_CASE("somebody else's property in the meantime counts, in its own type") {
  std::atomic<bool> written = false;
  TinyServer server(ready_and([&](const std::string& request) {
    if (asks(request, "GET"))
      return http_answer(200, written ? R"({"class":"Doc","properties":[{"name":"a","dataType":["int"]}]})"
                                      : R"({"class":"Doc"})");
    written = true;
    return http_answer(422, R"({"error":[{"message":"conflict for property \"a\""}]})");
  }));
  const auto told = index_of(server)->ensure_properties({"Doc", {{"a", "text"}}}, {});
  CHECK(outcome_of(told) == "incompatible");
  CHECK(told->detail == "Doc.a is int and stays, text is desired");
}

TEST_CASE("an object that somebody else puts or takes away meanwhile is put all the same") {
  std::atomic<int> puts = 0;
  TinyServer server(ready_and([&](const std::string& request) {
    if (asks(request, "GET /v1/schema/")) return http_answer(200, kClass);
    if (asks(request, "GET /v1/objects?")) return http_answer(404, "");
    if (asks(request, "POST")) return http_answer(422, R"({"error":[{"message":"already exists"}]})");
    if (puts++ == 0) return http_answer(404, "");
    return http_answer(200, R"({"id":"5178C309-8346-572D-B13D-C8B68CFF10BE"})");
  }));
  const auto index = index_of(server);
  CHECK(code_of(index->upsert_vector("Asset", "5178c309-8346-572d-b13d-c8b68cff10be", {1}, nullptr)) == "");
  CHECK(puts == 2);
}

TEST_CASE("a vector of another length is no fault of the server, even when it says so with 500") {
  std::atomic<int> looks = 0;
  TinyServer server(ready_and([&](const std::string& request) {
    if (asks(request, "GET /v1/schema/")) return http_answer(200, kClass);
    if (asks(request, "GET /v1/objects?"))
      return http_answer(200, looks++ == 0 ? R"({"objects":[]})" : R"({"objects":[{"vector":[1,2,3]}]})");
    return http_answer(500, R"({"error":[{"message":"new node has a vector with length 2"}]})");
  }));
  const auto status =
    index_of(server)->upsert_vector("Asset", "5178c309-8346-572d-b13d-c8b68cff10be", {1, 2}, nullptr);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == "field.invalid");
  CHECK(status.error().detail == "vectors of class Asset have 3 numbers, not 2");
}

TEST_CASE("every write carries its idempotency key and credential, and no read the key") {
  std::vector<std::string> wrong;
  std::mutex mutex;
  TinyServer server(ready_and([&](const std::string& request) {
    const bool writes = asks(request, "POST");
    const std::lock_guard lock(mutex);
    if ((request.find("Idempotency-Key: the-key\r\n") != std::string::npos) != writes ||
        request.find("Authorization: Bearer s3cret\r\n") == std::string::npos)
      wrong.push_back(request);
    return asks(request, "GET /v1/schema/") ? http_answer(404, "") : http_answer(200, "{}");
  }));
  CHECK_FALSE(index_of(server, "s3cret")->ensure_class(kAsset, {"the-key"}));
  server.stop();
  CHECK(wrong.empty());
}

TEST_CASE("an index whose certificate nobody vouches for, or is of another name, is not talked to") {
  const test::StrangeTlsServer server;
  for (const auto& ca_file : {std::string{}, server.certificate()}) {
    const auto index = make_weaviate_index({.url = server.url(), .api_key = "s3cret", .ca_file = ca_file});
    REQUIRE(index);
    const auto ensured = (*index)->ensure_class(kAsset, {});
    REQUIRE_FALSE(ensured);
    CHECK(ensured.error().code == "tls.untrusted");
    CHECK(ensured.error().detail.find("s3cret") == std::string::npos);
    CHECK(code_of((*index)->upsert_vector("Asset", "a", {1}, nullptr)) == "tls.untrusted");
  }
}
