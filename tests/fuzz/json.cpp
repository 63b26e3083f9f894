// Fuzzes the JSON of the edge: what is accepted is UTF-8, not too deep, and prints canonically to a fixed
// point.
#include "base/json.hpp"

#include "base/time.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (muster::is_utf8(text)) {
    std::string quoted;
    muster::append_json_string(quoted, text);
    EXPECT(muster::Json::parse(quoted).get<std::string>() == text);
  }
  if (const auto time = muster::parse_rfc3339(text)) (void)muster::to_rfc3339(*time);
  (void)muster::parse_duration(text);
  const auto value = muster::parse_json(text);
  if (!value) {
    EXPECT(!value.error().code.empty());
    return 0;
  }
  EXPECT(muster::is_utf8(text));
  const std::string canonical = muster::canonical_json(*value);
  const auto again = muster::parse_json(canonical);
  EXPECT(again);
  EXPECT(muster::canonical_json(*again) == canonical);
  return 0;
}
