// Fuzzes JSON bodies as every kind of event data: what is read is written back, and reads the same again.
#include "events/catalog.hpp"
#include "events/fields.hpp"
#include "tests/fuzz/expect.hpp"

namespace {

template <class T>
void try_as(std::string_view text) {
  for (const auto unknown : {muster::Unknown::ignore, muster::Unknown::refuse}) {
    const auto value = muster::from_json_text<T>(text, unknown);
    if (!value) {
      EXPECT(!value.error().code.empty());
      continue;
    }
    const auto again = muster::from_json_text<T>(muster::to_json_text(*value), muster::Unknown::refuse);
    EXPECT(again);
    EXPECT(muster::to_json_text(*again) == muster::to_json_text(*value));
  }
}

template <class... Ts>
void try_all(std::string_view text, const std::variant<muster::UnknownEvent, Ts...>*) {
  (try_as<Ts>(text), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try_all({reinterpret_cast<const char*>(data), size}, static_cast<const muster::AnyEvent*>(nullptr));
  return 0;
}
