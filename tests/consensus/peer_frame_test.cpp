// Shows the frames of the members' network: cut anywhere, they read the same; a lie is found at its length.
#include "consensus/peer_frame.hpp"

#include <catch2/catch.hpp>

#include "consensus/peer_core.hpp"
#include "consensus/peer_queue.hpp"

using namespace muster::consensus;
using namespace std::chrono_literals;

namespace {

std::vector<Frame> all_of(FrameReader& reader) {
  std::vector<Frame> frames;
  while (auto frame = reader.next()) frames.push_back(std::move(*frame));
  return frames;
}

}  // namespace

TEST_CASE("frames read the same wherever the stream is cut") {
  const std::vector<Frame> sent{
    {1, ""}, {2, "a"}, {0xff, std::string(300, 'b')}, {3, std::string("\0\0", 2)}};
  std::string bytes;
  for (const auto& frame : sent) append_frame(bytes, frame.kind, frame.body);
  for (size_t piece = 1; piece <= bytes.size(); piece++) {
    FrameReader reader{300};
    std::vector<Frame> got;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      reader.add(std::string_view{bytes}.substr(at, piece));
      for (auto& frame : all_of(reader)) got.push_back(std::move(frame));
    }
    CHECK(got == sent);
    CHECK_FALSE(reader.broken());
    CHECK(reader.held() == 0);
  }
}

TEST_CASE("a length beyond the limit, or of nothing, is refused before its bytes came") {
  const std::vector<std::string> lies{{0, 0, 1, '\x2e'}, {'\x7f', '\xff', '\xff', '\xff'}, {0, 0, 0, 0}};
  for (const auto& lie : lies) {
    FrameReader reader{300};
    reader.add(lie);
    CHECK_FALSE(reader.next());
    CHECK(reader.broken());
    reader.add(std::string(1000, 'x'));
    CHECK_FALSE(reader.next());
    CHECK(reader.held() == 0);
  }
  FrameReader reader{300};
  reader.add({"\0\0\1\x2d\7", 5});
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.broken());
}

TEST_CASE("an opening reads back, and another text is none") {
  const Opening opening{kProtocol, Lane::bulk, "0123456789abcdef"};
  const auto text = encode(opening);
  CHECK(decode_opening(text) == opening);
  for (size_t n = 0; n < text.size(); n++) CHECK_FALSE(decode_opening(text.substr(0, n)));
  CHECK_FALSE(decode_opening(text + "more"));
  CHECK_FALSE(decode_opening(std::string(1, '\0') + text.substr(1)));
  CHECK_FALSE(decode_opening(text.substr(0, 1) + '\2' + text.substr(2)));
  // A later version may say more.
  const auto later = decode_opening(std::string(1, '\2') + text.substr(1) + "more");
  REQUIRE(later);
  CHECK(later->version == 2);
}

TEST_CASE("a stamp is eight bytes") {
  CHECK(decode_stamp(encode_stamp(0x0123456789abcdef)) == 0x0123456789abcdef);
  CHECK_FALSE(decode_stamp("1234567"));
  CHECK_FALSE(decode_stamp("123456789"));
}

TEST_CASE("a sentence from outside is fit for a log") {
  CHECK(printable("no\x1b[31m\nway \xff") == "no?[31m?way ?");
  CHECK(printable(std::string(1000, 'x')).size() == 200);
}

TEST_CASE("a queue holds so many bytes and frames, until what was taken is sent") {
  const PeerQueue::Clock::time_point now{};
  PeerQueue queue{{40, 3}};
  CHECK(queue.push(1, "first", now) == PeerQueue::Pushed::first);
  CHECK(queue.push(1, "more", now) == PeerQueue::Pushed::waits);
  CHECK(queue.push(1, std::string(20, 'x'), now) == PeerQueue::Pushed::full);
  CHECK(queue.push(1, "", now) == PeerQueue::Pushed::waits);
  CHECK(queue.push(1, "", now) == PeerQueue::Pushed::full);
  CHECK(queue.take().size() == 3 * kFrameHead + 9);
  CHECK(queue.push(1, "", now) == PeerQueue::Pushed::full);
  CHECK(queue.bytes() == 3 * kFrameHead + 9);
  queue.sent();
  CHECK(queue.bytes() == 0);
  CHECK(queue.push(1, "", now) == PeerQueue::Pushed::first);
}

TEST_CASE("a queue drops what is old") {
  const PeerQueue::Clock::time_point now{};
  PeerQueue queue{{1000, 10}};
  (void)queue.push(1, "old", now);
  (void)queue.push(1, "newer", now + 5s);
  CHECK(queue.drop_older_than(now) == 0);
  CHECK(queue.drop_older_than(now + 1s) == 2);
  CHECK(queue.take().empty());
  CHECK(queue.drop_older_than(now + 1s) == 0);
}

TEST_CASE("a rate is kept, and saved up for a second") {
  Bucket bucket{2};
  const PeerClock::time_point now{1000s};
  CHECK(bucket.take(now));
  CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now + 100ms));
  CHECK(bucket.take(now + 600ms));
  CHECK_FALSE(bucket.take(now + 700ms));
  CHECK(bucket.take(now + 100s));
  CHECK(bucket.take(now + 100s));
  CHECK_FALSE(bucket.take(now + 100s));
}

TEST_CASE("an address is a host and a port") {
  CHECK(split_address("n1.example:7070")->host == "n1.example");
  CHECK(split_address("[::1]:0")->host == "::1");
  for (const auto* text :
       {"", "n1", "n1:", ":1", "n1:x", "n1:1x", "n1:-1", "n1:65536", "::1:7070", "[::1]", "n1:99999999999"})
    CHECK_FALSE(split_address(text));
}
