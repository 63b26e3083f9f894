// Fuzzes the reader of log lines: whatever it accepts, it writes back to the byte and reads the same again.
#include "events/line.hpp"

#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto record = muster::read_line(text);
  if (!record) return 0;
  // Members that this build does not know are passed over, so only what it writes itself has to come back.
  const auto write = [](const muster::Record& read) {
    std::string line = "{\"seq\":" + std::to_string(read.seq) + ",\"prev\":\"" + read.prev + "\",";
    muster::append_envelope(line, read.envelope);
    muster::append_event(line, read.event);
    return line;
  };
  if (std::holds_alternative<muster::UnknownEvent>(record->event)) return 0;
  const std::string once = write(*record);
  const auto again = muster::read_line(once);
  EXPECT(again);
  EXPECT(again->event == record->event && again->envelope == record->envelope);
  EXPECT(write(*again) == once);
  return 0;
}
