// Shows the limits of the HTTP server, each with what it answers.
#include <thread>

#include <catch2/catch.hpp>

#include "base/json.hpp"
#include "tests/http/client.hpp"

using namespace muster;
using namespace muster::http;
using namespace muster::http::test;

namespace {

std::string code_of(const Received& got) {
  return got.body.empty() ? "" : Json::parse(got.body)["code"].get<std::string>();
}

}  // namespace

TEST_CASE("headers beyond the limit are refused with 431, whether they end or not", "[S2-53]") {
  auto limits = Edge::patient();
  limits.max_header = 1024;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  for (const auto* end : {"\r\n\r\n", ""}) {
    auto client = edge.client();
    client.send("GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + end);
    const auto got = client.reply();
    CHECK(got.status == 431);
    CHECK(code_of(got) == "header.too.large");
    CHECK(got.header("Connection") == "close");
    CHECK(client.ended());
  }
}

TEST_CASE("headers that trickle are refused with 408, counted from the first byte", "[S2-53]") {
  auto limits = Edge::patient();
  limits.header_timeout = 150ms;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  auto client = edge.client();
  CHECK(client.get("/hello").status == 200);
  std::atomic<bool> done{false};
  std::thread trickle([&] {
    client.send("GET /hello HTTP/1.1\r\nHost: h\r\n");
    while (!done && client.send("X: y\r\n")) std::this_thread::yield();
  });
  const auto got = client.reply();
  done = true;
  trickle.join();
  CHECK((got.status == 408 || got.status == 431));
  auto slow = edge.client();
  slow.send("GET /hello HT");
  const auto late = slow.reply();
  CHECK(late.status == 408);
  CHECK(code_of(late) == "request.timeout");
  CHECK(slow.ended());
}

TEST_CASE("a body beyond the limit is refused with 413, from its announced length or when it gets there",
          "[S2-53]") {
  auto limits = Edge::patient();
  limits.max_body = 1000;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  auto exact = edge.client();
  exact.send(post + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  CHECK(exact.reply().body.size() == 1000);
  for (const auto& rest : std::vector<std::string>{
         "Content-Length: 1001\r\n\r\n", "Content-Length: 18446744073709551615\r\n\r\n",
         "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
         "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
         "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\n"}) {
    INFO(rest.substr(0, 60));
    auto client = edge.client();
    client.send(post + rest);
    const auto got = client.reply();
    CHECK(got.status == 413);
    CHECK(code_of(got) == "body.too.large");
    CHECK(client.ended());
  }
}

TEST_CASE("the refusal of a large body arrives though the client is still sending") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto client = edge.client();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
  client.send(std::string(1 << 20, 'x'));
  CHECK(client.reply().status == 413);
}

TEST_CASE("a body that does not come is refused with 408", "[S2-53]") {
  auto limits = Edge::patient();
  limits.body_timeout = 150ms;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  for (const auto* rest : {"Content-Length: 10\r\n\r\n123", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    auto client = edge.client();
    client.send(std::string("POST /echo HTTP/1.1\r\nHost: h\r\nX-Request-Id: r7\r\n") + rest);
    const auto got = client.reply();
    CHECK(got.status == 408);
    CHECK(got.header("X-Request-Id") == "r7");
    CHECK(client.ended());
  }
}

TEST_CASE("a peer that takes no byte of a reply is cut off, others are served meanwhile") {
  auto limits = Edge::patient();
  limits.write_timeout = 150ms;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  Client deaf(edge.server.port(), 4096);
  for (int i = 0; i < 4; i++) deaf.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  auto other = edge.client();
  CHECK(
    eventually([&] { return other.get("/hello").status == 200 && edge.server.stats().connections == 1; }));
  CHECK(deaf.rest().size() < 4 * edge.big->size());
}

TEST_CASE("a connection with nothing to ask is closed after the idle limit") {
  auto limits = Edge::patient();
  limits.idle_timeout = 50ms;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  auto silent = edge.client();
  CHECK(silent.ended());
  // One that asks in time; a busy machine may take longer over that than the limit.
  CHECK(eventually([&] {
    auto asked = edge.client();
    return asked.get("/hello").status == 200 && asked.ended();
  }));
  CHECK(eventually([&] { return edge.server.stats().connections == 0; }));
}

TEST_CASE("connections beyond the limit are answered 429 with Retry-After and closed") {
  auto limits = Edge::patient();
  limits.max_connections = 2;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  auto a = edge.client();
  auto b = edge.client();
  CHECK(a.get("/hello").status == 200);
  CHECK(b.get("/hello").status == 200);
  {
    auto c = edge.client();
    const auto got = c.get("/hello");
    CHECK(got.status == 429);
    CHECK(code_of(got) == "connections.exhausted");
    CHECK(got.header("Retry-After") == "1");
    CHECK(c.ended());
  }
  CHECK(edge.server.stats().refused == 1);
  b.close();
  CHECK(eventually([&] { return edge.client().get("/hello").status == 200; }));
}

TEST_CASE("stopping answers what is in flight, closes what is idle, and takes nothing new") {
  Edge edge;
  REQUIRE(edge.server.start());
  auto idle = edge.client();
  CHECK(idle.get("/hello").status == 200);
  auto waiting = edge.client();
  waiting.send("GET /later/x HTTP/1.1\r\nHost: h\r\n\r\n");
  auto uploading = edge.client();
  uploading.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
  const auto reply = edge.take_later("x");
  std::thread stop([&] { edge.server.stop(); });
  CHECK(idle.ended());
  CHECK_FALSE(edge.client().connected());
  uploading.send("bc");
  const auto echoed = uploading.reply();
  CHECK(echoed.body == "abc");
  CHECK(echoed.header("Connection") == "close");
  reply(json_response("\"late\""));
  const auto got = waiting.reply();
  CHECK(got.body == "\"late\"");
  CHECK(got.header("Connection") == "close");
  stop.join();
  CHECK(edge.server.stats().connections == 0);
}

TEST_CASE("a connection that was made just before the stop gets one answer") {
  auto limits = Edge::patient();
  limits.last_request = limits.idle_timeout;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  auto kept = edge.client();
  CHECK(kept.get("/hello").status == 200);
  auto made = edge.client();
  std::thread stop([&] { edge.server.stop(); });
  CHECK(eventually([&] { return !edge.client().connected(); }));
  for (auto* client : {&kept, &made}) {
    const auto got = client->get("/hello");
    CHECK(got.status == 200);
    CHECK(got.header("Connection") == "close");
  }
  stop.join();
}

TEST_CASE("stopping does not wait longer than the drain limit, and late replies are dropped") {
  auto limits = Edge::patient();
  limits.drain_timeout = 50ms;
  Edge edge(limits);
  REQUIRE(edge.server.start());
  auto client = edge.client();
  client.send("GET /later/x HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto reply = edge.take_later("x");
  edge.server.stop();
  reply(json_response("{}"));
  CHECK(client.ended());
}

TEST_CASE("a storm of connections that break off anywhere leaves nothing behind") {
  Edge edge;
  REQUIRE(edge.server.start());
  const std::string request =
    "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /later/x HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\n\r\n";
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 200; i++) {
        auto client = edge.client();
        const auto size = (i * 7 + t * 31) % (request.size() + 1);
        client.send(request.substr(0, size));
        const linger reset{1, 0};
        if (i % 3 == 0) ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (i % 3 == 1 && size >= request.find("GET")) client.fill();
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(edge.client().get("/hello").status == 200);
  {
    const std::lock_guard lock(edge.mutex);
    edge.later.clear();  // Dropped replies answer connections that are gone.
  }
  CHECK(eventually([&] { return edge.server.stats().connections == 0; }));
}

TEST_CASE("an address that is taken or unknown is an error with a reason") {
  Edge edge;
  REQUIRE(edge.server.start());
  App app;
  Server second(app, {"127.0.0.1", edge.server.port(), "", ""}, {});
  const auto taken = second.start();
  REQUIRE_FALSE(taken);
  CHECK(taken.error().detail.find("in use") != std::string::npos);
  Server third(app, {"203.0.113.1", 0, "", ""}, {});
  CHECK_FALSE(third.start());
  Server fourth(app, {"127.0.0.1", 0, "/nowhere.pem", "/nowhere.key"}, {});
  const auto unread = fourth.start();
  REQUIRE_FALSE(unread);
  CHECK(unread.error().detail.find("/nowhere.pem") != std::string::npos);
}
