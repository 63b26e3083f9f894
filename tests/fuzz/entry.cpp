// Fuzzes the frames of a Raft entry, and the replies kept in them.
#include "events/log/entry.hpp"

#include "events/log/chain.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  muster::log::EntryWriter again;
  const auto done = muster::log::each_frame(text, [&](muster::log::Frame kind, std::string_view bytes) {
    again.frame(kind, bytes);
    if (kind == muster::log::Frame::event) (void)muster::log::read_event_frame(bytes);
    if (const auto kept = muster::log::decode_kept_reply(bytes))
      EXPECT(muster::log::decode_kept_reply(muster::log::encode(*kept)));
  });
  if (done) EXPECT(again.take() == text);
  return 0;
}
