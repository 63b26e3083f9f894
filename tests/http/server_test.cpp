// Shows the HTTP/1.1 server over real sockets: limits, pipelining, streams, drain.
#include <thread>

#include <catch2/catch.hpp>

#include "base/json.hpp"
#include "tests/http/client.hpp"

using namespace muster;
using namespace muster::http;
using namespace muster::http::test;

TEST_CASE("a request is answered, and the next one on the same connection", "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  for (int i = 0; i < 3; i++) {
    const auto got = client.get("/hello");
    CHECK(got.status == 200);
    CHECK(got.body == "{\"a\":1}");
    CHECK(got.header("Content-Length") == "7");
    CHECK(got.header("Content-Type") == "application/json");
    CHECK_FALSE(got.header("Date").empty());
    CHECK_FALSE(got.header("X-Request-Id").empty());
  }
  CHECK(edge.server.stats().requests == 3);
  CHECK(edge.server.stats().connections == 1);
  CHECK(edge.app.log().at(0) == "GET /hello /hello 200 tester");
}

TEST_CASE("pipelined requests are answered in order, also when the first one's answer comes last",
          "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  std::string many;
  for (const auto* path : {"/hello", "/later/a", "/hello", "/later/b", "/big", "/hello"})
    many += "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(client.send(many));
  CHECK(client.reply().body == "{\"a\":1}");
  edge.take_later("a")(json_response("\"a\""));
  CHECK(client.reply().body == "\"a\"");
  CHECK(client.reply().body == "{\"a\":1}");
  edge.take_later("b")(json_response("\"b\""));
  CHECK(client.reply().body == "\"b\"");
  CHECK(client.reply().body == *edge.big);
  CHECK(client.reply().body == "{\"a\":1}");
}

TEST_CASE("replies come from any thread, to the connection that asked") {
  Edge edge;
  REQUIRE(edge.server.start());
  std::vector<Client> clients;
  for (int i = 0; i < 64; i++) {
    clients.push_back(edge.client());
    clients.back().send("GET /later/" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      for (int i = t; i < 64; i += 4) edge.take_later(std::to_string(i))(json_response(std::to_string(i)));
    });
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < 64; i++) CHECK(clients[static_cast<size_t>(i)].reply().body == std::to_string(i));
}

TEST_CASE("a handler that forgets or throws is answered for with 500 internal") {
  Edge edge;
  edge.app.on(Method::get, "/forget", [](const Request&, const Reply&) {});
  edge.app.on(Method::get, "/throw", [](const Request&, const Reply&) { throw std::runtime_error("no"); });
  REQUIRE(edge.server.start());
  auto client = edge.client();
  for (const auto* path : {"/forget", "/throw"}) {
    const auto got = client.get(path, "X-Request-Id: mine.1\r\n");
    CHECK(got.status == 500);
    CHECK(Json::parse(got.body)["code"] == "internal");
    CHECK(Json::parse(got.body)["request"] == "mine.1");
  }
  client.send("GET /later/x HTTP/1.1\r\nHost: h\r\n\r\n");
  edge.take_later("x") = Reply();
  CHECK(client.reply().status == 500);
}

TEST_CASE("HEAD gives the same headers and no body", "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  client.send("HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto head = client.reply(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == std::to_string(edge.big->size()));
  CHECK(head.header("Content-Type") == "application/json");
  CHECK(client.get("/hello").body == "{\"a\":1}");
}

TEST_CASE("a request id is taken when it is well-formed and made otherwise") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  CHECK(client.get("/hello", "x-request-id: Abc.1_2-3\r\n").header("X-Request-Id") == "Abc.1_2-3");
  const auto made = client.get("/hello", "X-Request-Id: no spaces\r\n").header("X-Request-Id");
  CHECK(made.find(' ') == std::string::npos);
  CHECK_FALSE(made.empty());
  CHECK(client.get("/hello", "X-Request-Id: " + std::string(65, 'a') + "\r\n").header("X-Request-Id").size() <
        65);
}

TEST_CASE("bodies come whole, in pieces or in chunks", "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  client.send(post + "Content-Length: 5\r\n\r\nhello");
  CHECK(client.reply().body == "hello");
  const std::string large(300'000, 'x');
  client.send(post + "Content-Length: 300000\r\n\r\n");
  client.send(large);
  CHECK(client.reply().body == large);
  const auto chunked =
    post + "Transfer-Encoding: chunked\r\n\r\n4;ext=1\r\nwiki\r\n5\r\npedia\r\n0\r\nTrailer: x\r\n\r\n";
  client.send(chunked + chunked);
  CHECK(client.reply().body == "wikipedia");
  CHECK(client.reply().body == "wikipedia");
  for (const char c : chunked) client.send({&c, 1});
  CHECK(client.reply().body == "wikipedia");
}

TEST_CASE("a client that expects 100-continue is told to go on", "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: ";
  client.send(head + "3\r\n\r\n");
  CHECK(client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK(client.reply().body == "abc");
  client.send(head + "99999999\r\n\r\n");
  CHECK(client.reply().status == 413);
}

TEST_CASE("Connection: close and HTTP/1.0 end the connection, keep-alive of 1.0 does not", "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto closing = edge.client();
  const auto got = closing.get("/hello", "Connection: close\r\n");
  CHECK(got.header("Connection") == "close");
  CHECK(closing.ended());
  auto old = edge.client();
  old.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(old.reply().header("Connection") == "keep-alive");
  old.send("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(old.reply().header("Connection") == "close");
  CHECK(old.ended());
}

TEST_CASE("what is not a request is answered 400 bad.request and cut off", "[S2-53]") {
  Edge edge;
  REQUIRE(edge.server.start());
  const std::string get = "GET /hello HTTP/1.1\r\n";
  for (const auto& text : std::vector<std::string>{
         "\x16\x03\x01\x02\x01",
         "GET /hello HTTP/1.1\nHost: h\n\n",
         "hello\r\n\r\n",
         "GET /hello HTTP/2.0\r\n\r\n",
         "GET  /hello HTTP/1.1\r\nHost: h\r\n\r\n",
         get + "\r\n",
         get + "Host: a\r\nHost: b\r\n\r\n",
         get + "Host: h\r\nX: a\r\n b\r\n\r\n",
         get + "Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
         get + "Host: h\r\nTransfer-Encoding: gzip\r\n\r\n",
         get + "Host: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         get + "Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         get + "Host: h\r\nContent-Length: -1\r\n\r\n",
         "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET /a%f HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET /a%ff HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET /?q=%ff HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET hello HTTP/1.1\r\nHost: h\r\n\r\n",
         std::string("GET /\0 HTTP/1.1\r\n", 18),
         "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    INFO(text);
    auto client = edge.client();
    client.send(text);
    const auto got = client.reply();
    CHECK(got.status == 400);
    CHECK(got.header("Content-Type") == "application/problem+json");
    if (got.status == 400) CHECK(Json::parse(got.body)["code"] == "bad.request");
    CHECK(client.ended());
  }
}

TEST_CASE("paths are decoded, absolute targets are read, long ones are served", "[S2-53]") {
  Edge edge;
  std::string seen;
  edge.app.on(Method::get, "/id/{id}", [&](const Request& request, const Reply& reply) {
    reply(json_response(std::to_string(request.param("id").size()) + std::string(request.query)));
    seen = request.param("id");
  });
  REQUIRE(edge.server.start());
  auto client = edge.client();
  CHECK(client.get("/id/" + std::string(10'000, 'a')).body == "10000");
  CHECK(client.get("/id/a%20b%C3%A9?x=%41").body == "5x=%41");
  CHECK(seen == "a b\xC3\xA9");
  CHECK(client.get("http://host:1/hello").status == 200);
  CHECK(client.get("/hello/").status == 404);
}

TEST_CASE("large text is compressed for those who take it, small or encoded bodies are not") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  const auto plain = client.get("/big");
  CHECK(plain.body.size() == edge.big->size());
  CHECK(plain.header("Vary") == "Accept-Encoding");
  for (int i = 0; i < 2; i++) {
    const auto packed = client.get("/big", "Accept-Encoding: br, gzip;q=0.5\r\n");
    CHECK(packed.header("Content-Encoding") == "gzip");
    CHECK(packed.body.size() < 100'000);
    CHECK(packed.body.substr(0, 2) == "\x1f\x8b");
  }
  CHECK(client.get("/big", "Accept-Encoding: gzip;q=0\r\n").header("Content-Encoding").empty());
  CHECK(client.get("/hello", "Accept-Encoding: gzip\r\n").header("Content-Encoding").empty());
}
