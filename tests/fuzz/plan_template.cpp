// Fuzzes plan templates: an accepted one has a start order, and survives its JSON form.
#include "domain/plan.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = muster::plan::parse_template(text, "fuzz.yaml");
  if (!parsed) {
    EXPECT(!parsed.error().code.empty());
    return 0;
  }
  EXPECT(parsed->apps.size() <= muster::plan::kMaxApps);
  const auto ordered = muster::plan::start_order(parsed->apps);
  EXPECT(ordered && ordered->size() == parsed->apps.size());
  const auto again = muster::plan::apps_from_json(muster::plan::to_json(parsed->apps));
  EXPECT(again && *again == parsed->apps);
  EXPECT(muster::plan::diff(parsed->apps, *again).empty());
  return 0;
}
