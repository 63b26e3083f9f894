// Fuzzes the environment profile: JSON or YAML, whatever the file holds.
#include "domain/profile.hpp"

#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto* file : {"profile.yaml", "profile.json"}) {
    const auto parsed = muster::profile::parse(text, file);
    if (!parsed) EXPECT(!parsed.error().code.empty());
  }
  return 0;
}
