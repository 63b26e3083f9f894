// Fuzzes what peers send: a frame is refused, or decodes to a message that encodes to an equal frame.
#include "consensus/wire.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  (void)muster::consensus::decode_fetch(frame);
  if (const auto kept = muster::consensus::decode_kept(frame);
      kept && muster::consensus::type_of(frame) == muster::consensus::kKeptFrame)
    EXPECT(muster::consensus::encode_kept(*kept) == frame);
  if (const auto lines = muster::consensus::decode_lines(frame);
      lines && muster::consensus::type_of(frame) == muster::consensus::kLinesFrame)
    EXPECT(muster::consensus::encode_lines(lines->from, lines->lines) == frame);
  (void)muster::consensus::decode_copy_fetch(frame);
  if (const auto copy = muster::consensus::decode_copy(frame);
      copy && muster::consensus::type_of(frame) == muster::consensus::kCopyFrame)
    EXPECT(muster::consensus::encode_copy(*copy) == frame);
  raft_message message{};
  if (!muster::consensus::decode(frame, 2, "peer", message)) return 0;
  const std::string once = muster::consensus::encode(message);
  muster::consensus::discard(message);
  raft_message again{};
  EXPECT(muster::consensus::decode(once, 2, "peer", again));
  EXPECT(muster::consensus::encode(again) == once);
  muster::consensus::discard(again);
  return 0;
}
