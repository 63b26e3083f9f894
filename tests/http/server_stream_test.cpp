// Shows streamed replies: NDJSON, SSE, slow and silent readers.
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/http/client.hpp"

using namespace muster;
using namespace muster::http;
using namespace muster::http::test;

namespace {

/// Lines that all streams share; a stream is a cursor into them.
struct Feed {
  std::mutex mutex;
  std::vector<Bytes> lines;
  bool over = false;
  std::atomic<int> alive{0};

  void add(Bytes line) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::move(line));
  }
  void add(std::string line) { add(std::make_shared<const std::string>(std::move(line))); }
};

class Cursor : public Stream {
public:
  explicit Cursor(Feed& feed) : feed_(feed) { feed_.alive++; }
  ~Cursor() override { feed_.alive--; }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  State pull(std::vector<Bytes>& into, size_t limit) override {
    const std::lock_guard lock(feed_.mutex);
    for (size_t size = 0; size < limit && next_ < feed_.lines.size(); next_++) {
      into.push_back(feed_.lines[next_]);
      size += into.back()->size();
    }
    if (next_ < feed_.lines.size()) return State::more;
    return feed_.over ? State::ended : State::idle;
  }
  std::string farewell() override { return "bye at " + std::to_string(next_) + "\n"; }

private:
  Feed& feed_;
  size_t next_ = 0;
};

/// An Edge with GET /tail.
struct Tail {
  explicit Tail(Limits limits = Edge::patient()) : edge(limits) {
    edge.app.on(Method::get, "/tail", [this](const Request&, const Reply& reply) {
      Response response;
      response.content_type = "application/x-ndjson";
      response.stream = std::make_unique<Cursor>(feed);
      reply(std::move(response));
    });
  }
  Client tail(int receive_buffer = 0) {
    Client client(edge.server.port(), receive_buffer);
    client.send("GET /tail HTTP/1.1\r\nHost: h\r\n\r\n");
    return client;
  }
  template <class Line>
  void say(Line line) {
    feed.add(std::move(line));
    edge.server.wake_streams();
  }

  Feed feed;
  Edge edge;
};

/// Beats twenty times a second though nobody wakes it.
class Beat : public Stream {
public:
  State pull(std::vector<Bytes>& into, size_t) override {
    into.push_back(std::make_shared<const std::string>(":\n"));
    next_ = std::chrono::steady_clock::now() + 50ms;
    return State::idle;
  }
  std::optional<std::chrono::steady_clock::time_point> wake_at() const override { return next_; }

private:
  std::chrono::steady_clock::time_point next_;
};

}  // namespace

TEST_CASE("a stream sends what there is, then what comes, one chunk a write") {
  Tail t;
  t.feed.add("one\n");
  t.feed.add("two\n");
  REQUIRE(t.edge.server.start());
  auto client = t.tail();
  const auto head = client.reply(true);
  CHECK(head.status == 200);
  CHECK(head.header("Transfer-Encoding") == "chunked");
  CHECK(head.header("Content-Length").empty());
  CHECK(client.chunk() == "one\ntwo\n");
  t.say("three\n");
  CHECK(client.chunk() == "three\n");
  CHECK(t.edge.server.stats().streams == 1);
}

TEST_CASE("a stream that ends leaves the connection for the next request; in HTTP/1.0 it ends it",
          "[S2-53]") {
  Tail t;
  t.feed.add("one\n");
  t.feed.over = true;
  REQUIRE(t.edge.server.start());
  auto client = t.tail();
  client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.reply().body == "one\n");
  CHECK(client.reply().body == "{\"a\":1}");
  auto old = t.edge.client();
  old.send("GET /tail HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto got = old.reply();
  CHECK(got.header("Transfer-Encoding").empty());
  CHECK(got.header("Connection") == "close");
  CHECK(old.rest() == "one\n");
  CHECK(t.edge.server.stats().streams == 0);
  CHECK(t.feed.alive == 0);
}

TEST_CASE("a stream's client that goes away is noticed while nothing is sent") {
  Tail t;
  REQUIRE(t.edge.server.start());
  {
    auto client = t.tail();
    CHECK(client.reply(true).status == 200);
    CHECK(eventually([&] { return t.feed.alive == 1; }));
  }
  CHECK(eventually([&] { return t.feed.alive == 0; }));
  CHECK(t.edge.server.stats().streams == 0);
}

TEST_CASE("a reader that takes nothing is bidden farewell and dropped, others lose nothing") {
  auto limits = Edge::patient();
  limits.stall_timeout = 200ms;
  Tail t(limits);
  REQUIRE(t.edge.server.start());
  auto good = t.tail();
  CHECK(good.reply(true).status == 200);
  auto deaf = t.tail(4096);
  CHECK(eventually([&] { return t.feed.alive == 2; }));
  const auto line = std::make_shared<const std::string>(64 << 10, 'x');
  CHECK(eventually([&] {
    t.say(line);
    REQUIRE(good.chunk() == *line);
    return t.edge.server.stats().dropped_streams == 1;
  }));
  CHECK(t.edge.server.stats().streams == 1);
  // What the kernel still held reaches it when it reads again; the farewell says where to go on.
  const auto rest = deaf.rest();
  CHECK(rest.find("bye at ") != std::string::npos);
  CHECK(rest.ends_with("\r\n0\r\n\r\n"));
}

TEST_CASE("a stream with a long backlog does not keep others waiting") {
  Tail t;
  for (int i = 0; i < 4000; i++) t.feed.add(std::string(32 << 10, 'x'));
  REQUIRE(t.edge.server.start());
  auto busy = t.tail();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done && busy.fill()) busy.forget();
  });
  auto other = t.edge.client();
  for (int i = 0; i < 50; i++) CHECK(other.get("/hello").status == 200);
  auto second = t.tail();
  CHECK(second.reply(true).status == 200);
  CHECK(second.chunk().size() >= 64 << 10);
  ::shutdown(busy.fd(), SHUT_RDWR);
  done = true;
  reader.join();
}

TEST_CASE("a stream is pulled when it asked to be, though nobody wakes it") {
  Tail t;
  t.edge.app.on(Method::get, "/beat", [](const Request&, const Reply& reply) {
    Response response;
    response.content_type = "text/event-stream";
    response.stream = std::make_unique<Beat>();
    reply(std::move(response));
  });
  REQUIRE(t.edge.server.start());
  auto client = t.edge.client();
  client.send("GET /beat HTTP/1.1\r\nHost: h\r\n\r\n");
  client.reply(true);
  for (int i = 0; i < 3; i++) CHECK(client.chunk() == ":\n");
}

TEST_CASE("two thousand idle streams cost little and all hear what comes") {
  Tail t;
  REQUIRE(t.edge.server.start());
  std::vector<Client> clients;
  for (int i = 0; i < 2000; i++) {
    clients.push_back(t.tail());
    REQUIRE(clients.back().connected());
  }
  for (auto& client : clients) REQUIRE(client.reply(true).status == 200);
  CHECK(t.edge.server.stats().streams == 2000);
  t.say("hello\n");
  for (auto& client : clients) REQUIRE(client.chunk() == "hello\n");
  CHECK(t.edge.client().get("/hello").status == 200);
}

TEST_CASE("stopping ends streams with their farewell") {
  Tail t;
  t.feed.add("one\n");
  REQUIRE(t.edge.server.start());
  auto client = t.tail();
  client.reply(true);
  CHECK(client.chunk() == "one\n");
  t.edge.server.stop();
  CHECK(client.chunk() == "bye at 1\n");
  CHECK(client.rest() == "0\r\n\r\n");
  CHECK(t.feed.alive == 0);
}

TEST_CASE("HEAD of a stream gives its headers and starts nothing", "[S2-53]") {
  Tail t;
  REQUIRE(t.edge.server.start());
  auto client = t.edge.client();
  client.send("HEAD /tail HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.reply(true).header("Transfer-Encoding") == "chunked");
  CHECK(client.get("/hello").status == 200);
  CHECK(t.feed.alive == 0);
}

TEST_CASE("a reader that goes away leaves nothing in the next connection's reply") {
  Tail server;
  REQUIRE(server.edge.server.start());
  for (int i = 0; i < 5; i++) {
    {
      auto reader = server.tail();
      server.say("line\n");
      REQUIRE(reader.reply(true).status == 200);
      CHECK(reader.chunk().starts_with("line\n"));
    }
    eventually([&] { return server.feed.alive == 0; });
    const auto got = server.edge.client().get("/hello");
    CHECK(got.head.starts_with("HTTP/1.1 200"));
    CHECK(got.body == "{\"a\":1}");
  }
}
