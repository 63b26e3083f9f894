// Fuzzes the text of adverts: whatever is read as one is valid, and is read again from what it is written as.
#include <algorithm>

#include "adapters/advert_text.hpp"
#include "tests/fuzz/expect.hpp"

/// The input is the data of a TXT record: strings that begin with a byte for their length.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string> strings;
  for (size_t at = 0; at < size;) {
    const auto length = std::min<size_t>(data[at], size - at - 1);
    strings.emplace_back(reinterpret_cast<const char*>(data) + at + 1, length);
    at += length + 1;
  }
  const auto advert = muster::from_txt(strings);
  if (!advert) return 0;
  EXPECT(muster::check_advert(*advert));
  const auto again = muster::to_txt(*advert);
  for (const auto& text : again) EXPECT(text.size() <= muster::kMaxTxtString);
  EXPECT(muster::from_txt(again) == advert);
  EXPECT(muster::at_host(advert->address, "h").ends_with(advert->address.substr(advert->address.rfind(':'))));
  return 0;
}
