// Shows outgoing HTTP against a real server: replies, streams, limits, time-outs.
#include "adapters/http_client.hpp"

#include <thread>

#include <catch2/catch.hpp>

#include "tests/adapters/amqp_by_hand.hpp"
#include "tests/adapters/tiny_server.hpp"
#include "tests/adapters/wait.hpp"

using namespace muster;

TEST_CASE("a reply comes with status, headers and body, whatever the status") {
  TinyServer server([](const std::string& request) {
    return http_answer(request.starts_with("GET /missing") ? 404 : 200, "hello");
  });
  HttpClient client;
  const auto reply = client.fetch({.url = server.url()});
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->body == "hello");
  CHECK(reply->header("content-type") == "application/json");
  CHECK(client.fetch({.url = server.url("/missing")})->status == 404);
  CHECK(server.connections() == 1);
}

TEST_CASE("method, headers and body arrive as they were given") {
  std::string seen;
  TinyServer server([&](const std::string& request) {
    seen = request;
    return http_answer(204, "");
  });
  HttpClient client;
  CHECK(
    client.fetch({.method = "POST", .url = server.url("/x"), .headers = {{"X-API-Key", "k"}}, .body = "{}"})
      ->status == 204);
  CHECK(seen.starts_with("POST /x HTTP/1.1\r\n"));
  CHECK(seen.find("X-API-Key: k\r\n") != std::string::npos);
  CHECK(seen.ends_with("\r\n\r\n{}"));
  CHECK(client.fetch({.method = "DELETE", .url = server.url("/y")})->status == 204);
  CHECK(seen.starts_with("DELETE /y"));
  CHECK(client.fetch({.method = "POST", .url = server.url("/z")})->status == 204);
  CHECK(seen.find("Content-Length: 0\r\n") != std::string::npos);
  CHECK(server.connections() == 1);
}

TEST_CASE("what cannot be reached, or does not answer in time, is unreachable") {
  std::string gone;
  {
    const TinyServer server([](const std::string&) { return ""; });
    gone = server.url();
  }
  HttpClient client;
  CHECK(client.fetch({.url = gone}).error().code == "unreachable");

  TinyServer silent([](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"; });
  const auto late = client.fetch({.url = silent.url(), .total_timeout = Millis{50}});
  CHECK(late.error().code == "unreachable");
  TinyServer closes([](const std::string&) { return ""; });
  CHECK(client.fetch({.url = closes.url()}).error().code == "unreachable");
}

TEST_CASE("a reply that ends anywhere before its end is none") {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello";
  size_t sent = 0;
  Listening server([&](int peer) {
    char request[4096];
    if (recv(peer, request, sizeof request, 0) > 0) send(peer, whole.data(), sent, MSG_NOSIGNAL);
  });
  HttpClient client;
  const auto url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
  for (sent = 0; sent < whole.size(); sent++) {
    CAPTURE(whole.substr(0, sent));
    const auto reply = client.fetch({.url = url});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == "unreachable");
  }
  CHECK(client.fetch({.url = url})->body == "hello");
}

TEST_CASE("a reply says how long to wait in seconds, or until when in each form of a date") {
  const auto told = [](const std::string& given, const std::string& date = "Sun, 06 Nov 1994 08:48:37 GMT") {
    HttpReply reply;
    reply.headers = {{"retry-after", given}};
    if (!date.empty()) reply.headers.emplace_back("date", date);
    const auto wait =
      reply.retry_after(Time{std::chrono::seconds{784'111'777}});  // A minute after that date.
    return wait ? wait->count() : -1;
  };
  CHECK(told("17") == 17);
  CHECK(told("Sun, 06 Nov 1994 08:49:37 GMT") == 60);
  CHECK(told("Sunday, 06-Nov-94 08:49:37 GMT") == 60);
  CHECK(told("Sun Nov  6 08:49:37 1994") == 60);
  CHECK(told("Sun, 06 Nov 1994 08:49:42 GMT", "") == 5);
  CHECK(told("Sun, 06 Nov 1994 08:49:42 GMT", "yesterday") == 5);
  CHECK(told("Sun, 06 Nov 1994 08:00:00 GMT") == 0);
  CHECK(told("Fri, 31 Dec 9999 23:59:59 GMT") == 3600);
  for (const auto* none : {"", "soon", "-5", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT and",
                           "Sun, 99 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"})
    CHECK(told(none) == -1);
}

TEST_CASE("a URL that is none, or of another protocol, is refused") {
  HttpClient client;
  CHECK(client.fetch({.url = "http://"}).error().code == "field.invalid");
  CHECK(client.fetch({.url = "file:///etc/hostname"}).error().code == "field.invalid");
}

TEST_CASE("a body beyond the limit ends the call") {
  TinyServer server([](const std::string&) { return http_answer(200, std::string(100'000, 'x')); });
  HttpClient client;
  CHECK(client.fetch({.url = server.url(), .max_bytes = 1000}).error().code == "reply.too.large");
  CHECK(client.fetch({.url = server.url()})->body.size() == 100'000);
}

TEST_CASE("a stream hands on pieces until its callback has enough", "[S0-10]") {
  TinyServer server([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}\n\n\r\n3\r\n[]\n\r\n";
  });
  HttpClient client;
  std::string got;
  const auto reply =
    client.stream({.url = server.url(), .total_timeout = Millis{0}}, [&](std::string_view piece) {
      got += piece;
      return got.find("[]") == std::string::npos;
    });
  REQUIRE(reply);
  CHECK(reply->stopped);
  CHECK(reply->status == 200);
  CHECK(got == "{}\n\n[]\n");
}

TEST_CASE("a refused stream gives its problem as the body") {
  TinyServer server([](const std::string&) { return http_answer(410, R"({"code":"log.compacted"})"); });
  HttpClient client;
  const auto reply = client.stream({.url = server.url()}, [](std::string_view) -> bool {
    FAIL("the callback is for what was asked, not for problems");
    return false;
  });
  REQUIRE(reply);
  CHECK(reply->status == 410);
  CHECK_FALSE(reply->stopped);
  CHECK(reply->body.find("log.compacted") != std::string::npos);
}

TEST_CASE("a waiting stream ends at once when it is cancelled from another thread") {
  TinyServer server(
    [](const std::string&) { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nx\n\r\n"; });
  HttpClient client;
  Mailbox<int> first;
  std::thread canceller([&] {
    first.wait_for_size(1);
    client.cancel();
  });
  const auto started = std::chrono::steady_clock::now();
  const auto reply = client.stream({.url = server.url(), .total_timeout = Millis{0}}, [&](std::string_view) {
    first.put(1);
    return true;
  });
  canceller.join();
  REQUIRE(reply);
  CHECK(reply->stopped);
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds{5});
}
