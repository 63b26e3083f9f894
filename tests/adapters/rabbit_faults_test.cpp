// Shows that servers which are no brokers, or lie, end in an error in time.
#include <catch2/catch.hpp>

#include "adapters/rabbit_bus.hpp"
#include "tests/adapters/amqp_by_hand.hpp"

using namespace muster;

namespace {

constexpr Millis kPatience{300};

AmqpOptions hasty(uint16_t port) {
  AmqpOptions options;
  options.url = *parse_amqp_url("amqp://someone:s3cr3t-word@127.0.0.1:" + std::to_string(port));
  options.connect = options.handshake = options.answer = kPatience;
  return options;
}

void say(int peer, const std::string& text) {
  (void)send(peer, text.data(), text.size(), MSG_NOSIGNAL);
}

/// Reads what comes until the other side is gone.
void hear(int peer) {
  char buffer[4096];
  while (recv(peer, buffer, sizeof buffer, 0) > 0) {
  }
}

std::string big_endian(uint64_t n, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; i--) out += static_cast<char>(n >> (8 * i));
  return out;
}

std::string frame(int type, int channel, const std::string& payload) {
  return big_endian(type, 1) + big_endian(channel, 2) + big_endian(payload.size(), 4) + payload + "\xce";
}

std::string method(int channel, int class_id, int id, const std::string& arguments) {
  return frame(1, channel, big_endian(class_id, 2) + big_endian(id, 2) + arguments);
}

std::string sized(const std::string& text, int bytes) {
  return big_endian(text.size(), bytes) + text;
}

std::string start() {
  return method(0, 10, 10, std::string("\0\x09", 2) + sized("", 4) + sized("PLAIN", 4) + sized("en_US", 4));
}

/// Lets anybody in and opens the two channels.
std::string welcome() {
  return start() + method(0, 10, 30, big_endian(16, 2) + big_endian(131'072, 4) + big_endian(0, 2)) +
         method(0, 10, 41, sized("", 1)) + method(1, 20, 11, sized("", 4)) + method(2, 20, 11, sized("", 4)) +
         method(1, 85, 11, "");
}

}  // namespace

TEST_CASE("a server that is no broker ends in an error, soon, without the password") {
  struct Played {
    std::string name, says, code;
  };
  const std::string close =
    method(0, 10, 50, big_endian(403, 2) + sized("you said s3cr3t-word\n", 1) + big_endian(0, 4));
  const auto played = GENERATE_COPY(values<Played>(
    {{"nothing", "", "unreachable"},
     {"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "backend.reply"},
     {"noise", std::string(70'000, '\xff'), "backend.reply"},
     {"zeros", std::string(70'000, '\0'), "backend.reply"},
     {"another version", std::string("AMQP\1\1\0\x0a", 8), "backend.reply"},
     {"a frame without end", big_endian(1, 1) + big_endian(0, 2) + big_endian(2'000'000'000, 4) + "x",
      "backend.reply"},
     {"a frame that is not closed",
      "\1" + big_endian(0, 2) + big_endian(4, 4) + std::string("\0\x0a\0\x0a", 4) + "x", "backend.reply"},
     {"another method than is due", method(0, 10, 41, sized("", 1)), "backend.reply"},
     {"another way to log in",
      method(0, 10, 10, std::string("\0\x09", 2) + sized("", 4) + sized("OTHER", 4) + sized("en_US", 4)),
      "backend.reply"},
     {"tables in tables",
      method(0, 10, 10,
             std::string("\0\x09", 2) +
               sized(
                 [] {
                   std::string table;
                   for (int i = 0; i < 5'000; i++) table = sized("k", 1) + "F" + sized(table, 4);
                   return table;
                 }(),
                 4) +
               sized("OTHER", 4) + sized("en_US", 4)),
      "backend.reply"},
     {"the password in its refusal", start() + close, "backend.refused"}}));
  CAPTURE(played.name);
  Listening server([&](int peer) {
    say(peer, played.says);
    hear(peer);
  });
  const auto before = std::chrono::steady_clock::now();
  const auto session = AmqpSession::open(hasty(server.port()));
  CHECK(std::chrono::steady_clock::now() - before < 5 * kPatience);
  REQUIRE_FALSE(session);
  CHECK(session.error().code == played.code);
  CAPTURE(session.error().detail);
  CHECK_THAT(session.error().detail, !Catch::Contains("s3cr3t") && !Catch::Contains("\n"));
}

TEST_CASE("a server that hangs up, drips, or is not there is unreachable in time") {
  SECTION("hangs up") {
    Listening server([](int) {});
    CHECK(AmqpSession::open(hasty(server.port())).error().code == "unreachable");
  }
  SECTION("drips heartbeats") {
    Listening server([](int peer) {
      say(peer, start());
      while (send(peer, "\x08\0\0\0\0\0\0\xce", 8, MSG_NOSIGNAL) > 0) std::this_thread::yield();
    });
    const auto before = std::chrono::steady_clock::now();
    CHECK_FALSE(AmqpSession::open(hasty(server.port())));
    CHECK(std::chrono::steady_clock::now() - before < 5 * kPatience);
  }
  SECTION("is not there") {
    RabbitOptions options;
    options.amqp = hasty(1);
    RabbitBus bus(options);
    for (const auto& status : bus.publish_many({{"", "q", "x"}, {"", "q", "y"}}))
      CHECK(status.error().code == "unreachable");
    CHECK(bus.subscribe("#", [](const BusMessage&) {}).error().code == "unreachable");
  }
}

TEST_CASE("confirms that cannot be right end the connection") {
  const auto answered = [](const std::string& answer, size_t messages = 3) {
    Listening server([&](int peer) {
      say(peer, welcome() + answer);
      hear(peer);
    });
    auto session = AmqpSession::open(hasty(server.port()));
    if (!session) FAIL(session.error().detail);
    const BusMessage message{"", "q", "x", "key"};
    auto statuses = (*session)->publish(std::vector<const BusMessage*>(messages, &message));
    std::string codes;
    for (const auto& status : statuses) codes += status ? "ok " : status.error().code + " ";
    return codes + ((*session)->ended() ? "ended" : "goes on");
  };
  const auto ack = [](uint64_t tag, bool multiple) {
    return method(1, 60, 80, big_endian(tag, 8) + (multiple ? "\1" : std::string(1, '\0')));
  };
  const auto nack = [](uint64_t tag, int bits) {
    return method(1, 60, 120, big_endian(tag, 8) + big_endian(bits, 1));
  };
  CHECK(answered(ack(3, true)) == "ok ok ok goes on");
  CHECK(answered(ack(0, true)) == "ok ok ok goes on");
  CHECK(answered(ack(3, false) + ack(1, false) + ack(2, false)) == "ok ok ok goes on");
  CHECK(answered(nack(2, 0) + ack(3, true)) == "ok unreachable ok goes on");
  CHECK(answered(nack(3, 1)) == "unreachable unreachable unreachable goes on");
  CHECK(answered(ack(1, false)) == "ok unreachable unreachable ended");  // The others in time.
  CHECK(answered(ack(4, true)) == "backend.reply backend.reply backend.reply ended");
  CHECK(answered(ack(~0ULL, true)) == "backend.reply backend.reply backend.reply ended");
  CHECK(answered(ack(1, false) + ack(1, false)) == "ok backend.reply backend.reply ended");
  CHECK(answered(method(1, 60, 71, "\1")) == "backend.reply backend.reply backend.reply ended");
  CHECK(answered(frame(3, 1, "body")) == "backend.reply backend.reply backend.reply ended");
  const std::string closed = big_endian(541, 2) + sized("on fire", 1) + big_endian(0, 4);
  CHECK(answered(ack(1, false) + method(0, 10, 50, closed)) == "ok unreachable unreachable ended");
  CHECK(answered(ack(1, false) + method(1, 20, 40, closed) + method(1, 20, 11, sized("", 4)) +
                 method(1, 85, 11, "")) == "ok unreachable unreachable goes on");
  const auto returned = [](uint64_t size) {
    return method(1, 60, 50, big_endian(312, 2) + sized("NO_ROUTE", 1) + sized("", 1) + sized("q", 1)) +
           frame(2, 1, big_endian(60, 2) + big_endian(0, 2) + big_endian(size, 8) + big_endian(0, 2));
  };
  CHECK(answered(returned(1) + frame(3, 1, "x") + ack(3, true)) == "ok ok ok goes on");
  CHECK(answered(returned(1) + frame(3, 1, "xx") + ack(3, true)) ==
        "backend.reply backend.reply backend.reply ended");
  CHECK(answered(returned(~0ULL) + ack(3, true)) == "backend.reply backend.reply backend.reply ended");
  CHECK(answered(returned(5) + ack(3, true)) == "backend.reply backend.reply backend.reply ended");
}

TEST_CASE("a broker that takes no more bytes ends a publish in time") {
  Listening server([](int peer) {
    say(peer, welcome());
    pollfd hung_up{peer, 0, 0};
    poll(&hung_up, 1, -1);  // Until the test ends: what comes is not read.
  });
  auto session = AmqpSession::open(hasty(server.port()));
  REQUIRE(session);
  const BusMessage message{"", "q", std::string(1024 * 1024, 'x'), ""};
  const auto before = std::chrono::steady_clock::now();
  const auto statuses = (*session)->publish(std::vector<const BusMessage*>(64, &message));
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{10});
  for (const auto& status : statuses) CHECK(status.error().code == "unreachable");
}

TEST_CASE("a broker that falls silent while an exchange is looked for answers for all that was to be sent") {
  Listening server([&](int peer) {
    say(peer, welcome() + method(2, 40, 11, ""));  // The bus's own exchange is there, and then nothing.
    hear(peer);
  });
  RabbitOptions options;
  options.amqp = hasty(server.port());
  RabbitBus bus(options);
  std::vector<BusMessage> messages;
  for (int i = 0; i < 30; i++) messages.push_back({"exchange-" + std::to_string(i), "k", "x"});
  const auto before = std::chrono::steady_clock::now();
  for (const auto& status : bus.publish_many(messages)) CHECK(status.error().code == "unreachable");
  CHECK(std::chrono::steady_clock::now() - before < 10 * kPatience);  // One wait, not one for each.
}
