// Fuzzes what comes over a member's connection: frames are the same however the stream is cut, openings read
// back.
#include "consensus/peer_frame.hpp"

#include <algorithm>
#include <vector>

#include "tests/fuzz/expect.hpp"

namespace {

using namespace muster::consensus;

struct Read {
  std::vector<Frame> frames;
  bool broken = false;
};

Read read(std::string_view bytes, size_t piece) {
  FrameReader reader{kMaxJoin};
  Read result;
  for (size_t at = 0; at < bytes.size() && !reader.broken(); at += piece) {
    reader.add(bytes.substr(at, piece));
    while (auto frame = reader.next()) result.frames.push_back(std::move(*frame));
    EXPECT(reader.held() <= kMaxJoin + kFrameHead + piece);
  }
  result.broken = reader.broken();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(bytes, std::max<size_t>(bytes.size(), 1));
  const auto pieces = read(bytes, 1 + data[0] % 16);
  EXPECT(whole.frames == pieces.frames && whole.broken == pieces.broken);
  std::string again;
  for (const auto& frame : whole.frames) {
    append_frame(again, frame.kind, frame.body);
    if (const auto opening = decode_opening(frame.body); opening && opening->version == kProtocol)
      EXPECT(encode(*opening) == frame.body);
    if (const auto stamp = decode_stamp(frame.body)) EXPECT(encode_stamp(*stamp) == frame.body);
    EXPECT(printable(frame.body).size() <= frame.body.size());
  }
  EXPECT(bytes.starts_with(again));
  return 0;
}
